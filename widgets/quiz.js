/**
 * A quiz question: a fieldset of radio buttons, a button, and a live region for the verdict.
 * Native controls, so that the keyboard and a screen reader work as everywhere; a sign beside every colour.
 * The right answer is not in the page: the kernel judges. What it said of another choice is wiped away as soon as one is made, and
 * where it says nothing (it was restarted, or the notebook was opened again without it) the question says so itself.
 */

const PATIENCE = 3000; // milliseconds without an answer before the page says so

const STYLE = `
.k8snb-quiz { border: 1px solid var(--jp-border-color1, #bdbdbd); border-radius: 6px; padding: 0.5em 1em 0.75em; margin: 0.25em 0;
  color: var(--jp-ui-font-color1, inherit); font-family: var(--jp-ui-font-family, sans-serif); font-size: var(--jp-ui-font-size1, 14px); }
.k8snb-quiz fieldset { border: 0; margin: 0; padding: 0; min-width: 0; }
.k8snb-quiz legend { font-weight: 600; padding: 0 0 0.35em; line-height: 1.4; }
.k8snb-quiz label { display: flex; gap: 0.5em; align-items: baseline; padding: 0.2em 0; line-height: 1.4; cursor: pointer; }
.k8snb-quiz button { margin-top: 0.5em; padding: 0.3em 0.9em; border-radius: 4px; cursor: pointer; font: inherit;
  border: 1px solid var(--jp-brand-color1, #1976d2); background: var(--jp-brand-color1, #1976d2); color: #fff; }
.k8snb-quiz :focus-visible { outline: 2px solid var(--jp-brand-color1, #1976d2); outline-offset: 2px; }
.k8snb-quiz code { font-family: var(--jp-code-font-family, monospace); font-size: 0.95em; }
.k8snb-quiz output { display: block; margin-top: 0.5em; min-height: 1.4em; line-height: 1.4; }
.k8snb-quiz output[data-state="right"] { color: var(--jp-success-color0, #1b5e20); }
.k8snb-quiz output[data-state="wrong"] { color: var(--jp-warn-color0, #8a3b00); }
`;

/** @param {string} tag @param {Record<string, string>} attributes @param {...(Node | string)} children */
function element(tag, attributes = {}, ...children) {
  const node = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) node.setAttribute(name, value);
  node.append(...children);
  return node;
}

/** Words with `code` in them, as nodes: never as markup. @param {string} words @returns {(Node | string)[]} */
const marked = (words) => words.split("`").map((part, index) => (index % 2 ? element("code", {}, part) : part));

/** JupyterLab reads single keys as commands (`x` cuts the cell): inside the form they belong to the form. What is pressed with Ctrl, and
 * Shift+Enter, is meant for the notebook. @param {KeyboardEvent} event */
function keep(event) {
  if (!event.ctrlKey && !event.metaKey && !event.altKey && !(event.shiftKey && event.key === "Enter")) event.stopPropagation();
}

/** Two views of one widget (and two questions) must not share a radio group. */
let views = 0;

/** @param {{ model: any, el: HTMLElement }} context */
function render({ model, el }) {
  const group = `k8snb-quiz-${++views}`;
  const labels = model.get("labels");
  const radios = model.get("options").map((/** @type {string} */ _, /** @type {number} */ index) =>
    /** @type {HTMLInputElement} */ (element("input", { type: "radio", name: group, value: String(index) })));
  const rows = model.get("options").map((/** @type {string} */ option, /** @type {number} */ index) =>
    element("label", {}, radios[index], element("span", {}, ...marked(option))));
  const verdict = element("output", { "aria-live": "polite" });
  const button = element("button", { type: "submit" }, labels.check);
  const legend = element("legend", {}, ...marked(model.get("question")));
  const form = element("form", { class: "k8snb-quiz" }, element("style", {}, STYLE), element("fieldset", {}, legend, ...rows), button, verdict);

  /** @param {string} state @param {string} words */
  const say = (state, words) => {
    verdict.dataset.state = state;
    verdict.replaceChildren(`${state === "right" ? "✓" : state === "wrong" ? "✗" : "→"} `, ...marked(words));
  };
  /** @param {Event} event */
  const submit = (event) => {
    event.preventDefault();
    const chosen = radios.findIndex((/** @type {HTMLInputElement} */ radio) => radio.checked);
    if (chosen < 0) say("none", labels.choose);
    else if (chosen === model.get("answer").index) judged(); // asked before: the kernel would see nothing new
    else ask(chosen);
  };
  let waiting = 0;
  /** @param {number} chosen */
  const ask = (chosen) => {
    clearTimeout(waiting);
    say("none", "…");
    const silent = () => say("none", labels.silent);
    waiting = window.setTimeout(silent, PATIENCE);
    try {
      model.send({ choose: chosen });
    } catch {
      silent(); // the kernel was restarted: there is nothing to send to
    }
  };
  const judged = () => {
    const answer = model.get("answer");
    if (answer.index === undefined) return;
    clearTimeout(waiting);
    radios[answer.index].checked = true;
    say(answer.right ? "right" : "wrong", answer.text);
  };

  form.addEventListener("submit", submit);
  form.addEventListener("change", () => verdict.replaceChildren()); // what stands there was said of another choice
  form.addEventListener("keydown", keep);
  model.on("change:answer", judged);
  el.append(form);
  judged();
  return () => {
    clearTimeout(waiting);
    model.off("change:answer", judged);
  };
}

export default { render };
