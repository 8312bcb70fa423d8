// The control API of the lab: read the workspace, act as a person, hear what happens.

async function answer(response) {
  const body = await response.json();
  if (!response.ok) throw new Error(body.error);
  return body;
}

const READ_ATTEMPTS = 5;
const pause = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

/** Reading may be repeated, and is, when the connection is lost. */
export async function read(name, query = {}, attempts = READ_ATTEMPTS) {
  try {
    return await answer(await fetch(`/lab/${name}?${new URLSearchParams(query)}`));
  } catch (error) {
    if (!(error instanceof TypeError) || attempts <= 1) throw error;
    await pause(200);
    return read(name, query, attempts - 1);
  }
}

export async function act(name, body) {
  return answer(await fetch(`/lab/${name}`, { method: "POST", body: JSON.stringify(body) }));
}

/** `onEvent` for each change; `onOpen` whenever listening (again) begins and the past may have been missed. */
export function listen(onEvent, onOpen) {
  const source = new EventSource("/lab/events");
  source.addEventListener("open", onOpen);
  source.addEventListener("message", (event) => onEvent(JSON.parse(event.data)));
}
