// Times as people read them, from Slack's `seconds.microseconds`.

const at = (ts) => new Date(Number(ts) * 1000);

export const clock = (ts, withSeconds = false) =>
  at(ts).toLocaleTimeString([], { hour: "2-digit", minute: "2-digit", second: withSeconds ? "2-digit" : undefined, hour12: false });

export const dayKey = (ts) => at(ts).toDateString();

export function day(ts) {
  const today = new Date();
  const yesterday = new Date(today.getTime() - 86_400_000);
  if (dayKey(ts) === today.toDateString()) return "Today";
  if (dayKey(ts) === yesterday.toDateString()) return "Yesterday";
  return at(ts).toLocaleDateString("en", { weekday: "long", day: "numeric", month: "long" });
}
