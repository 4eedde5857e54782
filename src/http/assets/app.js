// The plain page: what runs, as it changes. The token comes in the fragment, once, and stays in
// this tab's own storage.
const key = "dispatch.token";
const given = new URLSearchParams(location.hash.slice(1)).get("token");
if (given) {
  sessionStorage.setItem(key, given);
  history.replaceState(null, "", location.pathname);
}
const token = sessionStorage.getItem(key);
const say = document.querySelector("#say");
const table = document.querySelector("table");

const ask = (path, options = {}) =>
  fetch(path, { ...options, headers: { ...options.headers, Authorization: `Bearer ${token}` } });

// True where the server knows this page's token.
async function show() {
  const answer = await ask("/api/runs");
  if (answer.status === 401) {
    say.textContent = "The server was started again: `dispatch serve --open` opens its page.";
    return false;
  }
  const { runs } = await answer.json();
  say.textContent = runs.length ? "" : "Nothing has run yet.";
  table.hidden = runs.length === 0;
  table.tBodies[0].replaceChildren(...runs.map((run) => {
    const row = document.createElement("tr");
    for (const text of [run.task, run.mode, run.state, run.exitCode ?? ""]) {
      row.insertCell().textContent = text;
    }
    return row;
  }));
  return true;
}

async function follow() {
  const answer = await ask("/api/ticket", {
    method: "POST",
    headers: { "Content-Type": "application/json" },
    body: JSON.stringify({ path: "/api/events" }),
  });
  const { ticket } = await answer.json();
  const socket = new WebSocket(`ws://${location.host}/api/events`, ["dispatch.v1", `ticket.${ticket}`]);
  socket.onmessage = () => show().catch(() => {});
  socket.onclose = () => setTimeout(begin, 500);
}

// Until the server answers, and for as long as it is the one that this page came from.
async function begin() {
  try {
    if (await show()) await follow();
  } catch {
    say.textContent = "The server does not answer: `dispatch serve --open` starts it and opens its page.";
    setTimeout(begin, 2000);
  }
}

if (token) await begin();
