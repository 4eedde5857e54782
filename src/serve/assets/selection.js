// Selection of one row of a list by keyboard: the selected row is current and has the focus.

// `rows` gives all rows in their order; `current` is the selector of the selected one.
export function selection(rows, current) {
  const selected = () => document.querySelector(current);

  function select(row, focus = true) {
    if (selected() !== row) selected()?.removeAttribute("aria-current");
    row.setAttribute("aria-current", "true");
    if (!focus) return;
    row.focus({ preventScroll: true });
    row.scrollIntoView({ block: "nearest" });
  }

  // Selects the next row (1) or the previous one (-1); where there is none, calls `atEnd`. False: the list is empty.
  function step(by, atEnd = () => {}) {
    const all = rows();
    const at = all.indexOf(selected());
    const next = all[at < 0 ? (by > 0 ? 0 : all.length - 1) : at + by];
    if (next) select(next);
    else atEnd();
    return all.length > 0;
  }

  // Presses the button for `act` of the selected row. False: it has none, or it is disabled.
  function press(act) {
    const button = selected()?.querySelector(`.acts [data-act=${act}]`);
    if (!button || button.disabled) return false;
    button.click();
    return true;
  }

  return { selected, select, step, press };
}
