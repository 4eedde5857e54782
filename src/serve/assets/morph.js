// Changes an element tree into another one and touches only what differs, so that focus, selection, scrolling and
// open menus are kept. Independent of the pages.

// Attributes that the page sets and the server does not send.
const OWN = ["open", "aria-current", "data-tab"];

const keyOf = (node) => node.nodeType === Node.ELEMENT_NODE ? node.dataset.key || node.id || "" : "";
const alike = (a, b) => a.nodeType === b.nodeType && a.nodeName === b.nodeName && !keyOf(a) && !keyOf(b);

export function morph(old, wanted) {
  const focused = document.activeElement;
  const around = old.contains(focused) ? ancestors(focused) : [];
  element(old, wanted);
  if (!around.length) return;
  if (!old.contains(focused) || focused.disabled) around.find((one) => one.isConnected)?.focus({ preventScroll: true });
  else if (focused !== document.activeElement) focused.focus({ preventScroll: true });
}

// Where the focus goes if its element is removed: the row around it, else the page's content.
function ancestors(element) {
  const found = [];
  for (let one = element.parentElement?.closest("[tabindex]"); one; one = one.parentElement?.closest("[tabindex]")) found.push(one);
  return found;
}

function element(old, wanted) {
  if (old.isEqualNode(wanted)) return;
  for (const { name, value } of wanted.attributes) {
    if (!OWN.includes(name) && old.getAttribute(name) !== value) old.setAttribute(name, value);
  }
  for (const { name } of [...old.attributes]) {
    if (!OWN.includes(name) && !wanted.hasAttribute(name)) old.removeAttribute(name);
  }
  // Content of scripts is kept.
  if (old.hasAttribute("data-keep") || old.hasAttribute("data-tick")) return;
  if (old.matches("input, select, textarea")) {
    if (old !== document.activeElement) field(old, wanted);
    if (!old.matches("select")) return;
  }
  children(old, wanted);
}

function field(old, wanted) {
  if (old.type === "checkbox") old.checked = wanted.hasAttribute("checked");
  else if (old.nodeName === "INPUT") old.value = wanted.getAttribute("value") ?? "";
}

function children(old, wanted) {
  const keyed = new Map();
  for (const child of old.children) if (keyOf(child)) keyed.set(keyOf(child), child);
  let at = old.firstChild;
  for (const want of [...wanted.childNodes]) {
    const key = keyOf(want);
    const have = key ? keyed.get(key) : at && alike(at, want) ? at : null;
    if (!have || have.nodeName !== want.nodeName) {
      old.insertBefore(document.importNode(want, true), at);
      continue;
    }
    keyed.delete(key);
    // An element that is moved loses the scroll positions in it: what is in front of it is moved instead.
    if (have !== at && have.hasAttribute?.("data-keep")) {
      while (at !== have) {
        const next = at.nextSibling;
        old.insertBefore(at, have.nextSibling);
        at = next;
      }
    }
    if (have === at) at = at.nextSibling;
    else old.insertBefore(have, at);
    if (have.nodeType === Node.ELEMENT_NODE) element(have, want);
    else if (have.nodeValue !== want.nodeValue) have.nodeValue = want.nodeValue;
  }
  while (at) {
    const next = at.nextSibling;
    at.remove();
    at = next;
  }
}
