import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import quiz from "../../../widgets/quiz.js";

/** A kernel's end of the model: what was sent, and a way to answer. */
function fakeModel() {
  const traits = {
    question: "Who starts a `container`?",
    options: ["the scheduler", "<b>the kubelet</b>"],
    labels: { group: "Question", check: "Check my answer", choose: "Choose an answer first.", silent: "No answer from the kernel." },
    answer: {},
  };
  const listeners = new Set();
  return {
    sent: [],
    get: (name) => traits[name],
    send(message) { this.sent.push(message); },
    on: (_name, listener) => listeners.add(listener),
    off: (_name, listener) => listeners.delete(listener),
    judge(answer) { traits.answer = answer; listeners.forEach((listener) => listener()); },
    listeners,
  };
}

let model, el, clean;
beforeEach(() => {
  document.body.replaceChildren();
  model = fakeModel();
  el = document.body.appendChild(document.createElement("div"));
  clean = quiz.render({ model, el });
});
afterEach(() => vi.useRealTimers());
const choose = (index) => el.querySelectorAll("input")[index].click();
const submit = () => el.querySelector("form").dispatchEvent(new Event("submit", { cancelable: true }));

describe("a quiz question", () => {
  test("is a group of radio buttons with its question as legend", () => {
    expect(el.querySelector("fieldset legend").textContent).toBe("Who starts a container?");
    expect(el.querySelectorAll("label input[type=radio]").length).toBe(2);
    expect(new Set([...el.querySelectorAll("input")].map((input) => input.name)).size).toBe(1);
  });

  test("shows options as text, never as markup", () => {
    expect(el.querySelector("label b")).toBe(null);
    expect(el.textContent).toContain("<b>the kubelet</b>");
  });

  test("shows what stands between backticks as code", () => {
    expect(el.querySelector("legend code").textContent).toBe("container");
  });

  test("asks for a choice before it asks the kernel", () => {
    submit();
    expect(model.sent).toEqual([]);
    expect(el.querySelector("output").textContent).toBe("→ Choose an answer first.");
  });

  test("sends the choice and says the verdict in a live region, with a sign beside the colour", () => {
    el.querySelectorAll("input")[1].checked = true;
    submit();
    expect(model.sent).toEqual([{ choose: 1 }]);
    model.judge({ index: 1, right: true, text: "Right. On its own node." });
    expect(el.querySelector("output").getAttribute("aria-live")).toBe("polite");
    expect(el.querySelector("output").textContent).toBe("✓ Right. On its own node.");
  });

  test("wipes away what was said of another choice", () => {
    model.judge({ index: 0, right: false, text: "Not this one." });
    choose(1);
    expect(el.querySelector("output").textContent).toBe("");
  });

  test("says so where the kernel says nothing, instead of what it said before", () => {
    vi.useFakeTimers();
    model.judge({ index: 0, right: false, text: "Not this one." });
    choose(1);
    submit();
    expect(el.querySelector("output").textContent).toBe("→ …");
    vi.advanceTimersByTime(3000);
    expect(el.querySelector("output").textContent).toBe("→ No answer from the kernel.");
    model.judge({ index: 1, right: true, text: "Right." }); // it was only busy
    expect(el.querySelector("output").textContent).toBe("✓ Right.");
  });

  test("repeats the verdict for the same choice, which the kernel would not notice", () => {
    model.judge({ index: 0, right: false, text: "Not this one." });
    choose(1);
    choose(0);
    submit();
    expect(model.sent).toEqual([]);
    expect(el.querySelector("output").textContent).toBe("✗ Not this one.");
  });

  test("keeps keys to itself, for the notebook reads them as commands", () => {
    let heard = 0;
    document.body.addEventListener("keydown", () => heard++);
    const press = (key, more = {}) => el.querySelector("input").dispatchEvent(new KeyboardEvent("keydown", { key, bubbles: true, ...more }));
    press("x");
    press("Enter");
    expect(heard).toBe(0);
    press("s", { ctrlKey: true }); // save: meant for the notebook
    press("Enter", { shiftKey: true });
    expect(heard).toBe(2);
  });

  test("two questions do not share a radio group", () => {
    const other = document.createElement("div");
    quiz.render({ model: fakeModel(), el: other });
    expect(other.querySelector("input").name).not.toBe(el.querySelector("input").name);
  });

  test("lets go of the model when its view is removed", () => {
    clean();
    expect(model.listeners.size).toBe(0);
  });
});
