// The emoji short names that operations talk uses; an unknown one stays as it was typed.

const BY_NAME = {
  white_check_mark: "✅", heavy_check_mark: "✔️", ballot_box_with_check: "☑️", x: "❌", negative_squared_cross_mark: "❎",
  warning: "⚠️", rotating_light: "🚨", no_entry: "⛔", no_entry_sign: "🚫", octagonal_sign: "🛑", exclamation: "❗",
  question: "❓", information_source: "ℹ️", bulb: "💡", bell: "🔔", mega: "📣", speech_balloon: "💬", no_bell: "🔕", hourglass: "⌛",
  hourglass_flowing_sand: "⏳", stopwatch: "⏱️", clock1: "🕐", alarm_clock: "⏰", calendar: "📅",
  rocket: "🚀", ship: "🚢", truck: "🚚", package: "📦", wrench: "🔧", hammer: "🔨", hammer_and_wrench: "🛠️", gear: "⚙️",
  construction: "🚧", broom: "🧹", wastebasket: "🗑️", bomb: "💣", boom: "💥", fire: "🔥", ambulance: "🚑", zap: "⚡",
  lock: "🔒", unlock: "🔓", closed_lock_with_key: "🔐", key: "🔑", shield: "🛡️", snowflake: "❄️", ice_cube: "🧊", fog: "🌫️",
  globe_with_meridians: "🌐", satellite: "🛰️", satellite_antenna: "📡", link: "🔗", electric_plug: "🔌", computer: "💻",
  desktop_computer: "🖥️", floppy_disk: "💾", file_folder: "📁", page_facing_up: "📄", scroll: "📜", memo: "📝",
  clipboard: "📋", bar_chart: "📊", chart_with_upwards_trend: "📈", chart_with_downwards_trend: "📉", mag: "🔍",
  arrow_up: "⬆️", arrow_down: "⬇️", arrow_right: "➡️", arrow_left: "⬅️", arrows_counterclockwise: "🔄",
  arrows_clockwise: "🔃", rewind: "⏪", pause_button: "⏸️", fast_forward: "⏩", leftwards_arrow_with_hook: "↩️", heavy_plus_sign: "➕",
  heavy_minus_sign: "➖", double_vertical_bar: "⏸️", black_square_for_stop: "⏹️", arrow_forward: "▶️", repeat: "🔁",
  large_green_circle: "🟢", large_yellow_circle: "🟡", large_orange_circle: "🟠", red_circle: "🔴", large_blue_circle: "🔵",
  white_circle: "⚪", black_circle: "⚫", large_green_square: "🟩", large_red_square: "🟥", small_blue_diamond: "🔹",
  tada: "🎉", sparkles: "✨", star: "⭐", eyes: "👀", thumbsup: "👍", "+1": "👍", thumbsdown: "👎", "-1": "👎",
  wave: "👋", raised_hands: "🙌", raised_hand: "✋", hand: "✋", clap: "👏", pray: "🙏", ok_hand: "👌", point_right: "👉", muscle: "💪",
  slightly_smiling_face: "🙂", smile: "😄", thinking_face: "🤔", robot_face: "🤖", ghost: "👻", skull: "💀", bug: "🐛",
  turtle: "🐢", snail: "🐌", whale: "🐳", seedling: "🌱", house: "🏠", busts_in_silhouette: "👥", bust_in_silhouette: "👤",
};

export const emoji = (name) => BY_NAME[name.split("::")[0]] ?? `:${name}:`;

export const withEmoji = (text) => text.replace(/:([a-z0-9_+-]+):/g, (_, name) => emoji(name));
