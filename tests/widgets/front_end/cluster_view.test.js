import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import view, { patched, sync, h } from "../../../widgets/cluster_view.js";
import cases from "./patches.json";

const EVIL = "<img src=x onerror=alert(1)>";

/** A kernel's end of the model: what was sent, and a way to send back. */
function fakeModel(frame) {
  const listeners = {};
  const traits = { frame, labels: {}, speeds: [1, 2, 5, 20] };
  return {
    sent: [],
    get: (name) => traits[name],
    set: (name, value) => (traits[name] = value),
    send(message) {
      this.sent.push(message);
    },
    on: (name, listener) => (listeners[name] ??= []).push(listener),
    off: () => {},
    fire: (name, ...args) => (listeners[name] ?? []).forEach((listener) => listener(...args)),
    assign(name, value) {
      traits[name] = value;
      this.fire(`change:${name}`);
    },
  };
}

function frame(changes = {}) {
  const meta = { clock: "0:00:01.000", revision: 3, index: 3, length: 3, first: 0, live: true, playing: false, rate: 2, fresh: 2, pods: "2 ● Running", next: "" };
  const pod = (name, state, word) => ({ id: `pods shop/${name}`, name: `shop/${name}`, home: "nodes node-1", state, word, ready: "1/1" });
  return {
    meta,
    components: {
      etcd: { id: "etcd", name: "etcd", state: "", busy: 0, word: "" },
      "kube-apiserver": { id: "kube-apiserver", name: "kube-apiserver", state: "ok", busy: 2, word: "kubectl: create" },
      "kube-scheduler": { id: "kube-scheduler", name: "kube-scheduler", state: "failed", busy: 0, word: "stopped" },
    },
    workloads: { "deployments.apps shop/web": { id: "deployments.apps shop/web", kind: "Deployment", name: "shop/web", state: "pending", word: "1/2" } },
    nodes: { "nodes node-1": { id: "nodes node-1", name: "node-1", state: "ok", word: "Ready", pods: 2 } },
    pods: { "pods shop/a": pod("a", "ok", "Running"), "pods shop/b": pod("b", "failed", "CrashLoopBackOff") },
    log: {
      "#1": { id: "#1", clock: "0:00:00.000", kind: "request", actor: "kubectl", state: "ok", did: "create", because: [] },
      "#2": { id: "#2", clock: "0:00:00.003", kind: "reconcile", actor: EVIL, state: "", did: EVIL, because: ["#1"], why: EVIL },
    },
    events: { e: { id: "e", state: "failed", type: "Warning", reason: "BackOff", about: "Pod b", message: EVIL, count: 4 } },
    ...changes,
  };
}

let model, el, close;

beforeEach(() => {
  model = fakeModel({ seq: 7, frame: frame() });
  el = document.createElement("div");
  document.body.append(el);
  close = view.render({ model, el });
});

afterEach(() => {
  close();
  el.remove();
});

const button = (text) => [...el.querySelectorAll("button")].find((candidate) => candidate.textContent.includes(text));

const pod = (name) => el.querySelector(`[data-object="pods shop/${name}"]`);

describe("patches mean the same here as in Python", () => {
  for (const { title, old, patch, new: expected } of cases)
    test(title, () => {
      const result = patched(old, patch);
      expect(result).toEqual(expected);
      for (const section of Object.keys(expected)) expect(Object.keys(result[section])).toEqual(Object.keys(expected[section]));
    });

  test("a section without changes is the same object", () => {
    expect(patched(cases[0].old, cases[0].patch).nodes).toBe(cases[0].old.nodes);
  });
});

test("keys belong to the view, for the notebook reads them as commands; with Ctrl they do not", () => {
  const heard = [];
  document.body.addEventListener("keydown", (event) => heard.push(event.key));
  const press = (key, more = {}) => button("play").dispatchEvent(new KeyboardEvent("keydown", { key, bubbles: true, ...more }));
  for (const key of ["x", "ArrowDown", "Enter"]) press(key);
  press("s", { ctrlKey: true });
  press("Enter", { shiftKey: true });
  expect(heard).toEqual(["s", "Enter"]);
});

describe("a kernel that may be gone", () => {
  const alarm = () => el.querySelector("[role=alert]").textContent;

  beforeEach(() => vi.useFakeTimers());
  afterEach(() => vi.useRealTimers());

  test("that says nothing is reported, and the report is taken back when it answers after all", () => {
    button("play").click();
    vi.advanceTimersByTime(2999);
    expect(alarm()).toBe("");
    vi.advanceTimersByTime(1);
    expect(alarm()).toBe("silent");
    model.fire("msg:custom", { type: "heard" });
    expect(alarm()).toBe("");
  });

  test("that answers is not waited for any longer", () => {
    button("play").click();
    model.fire("msg:custom", { type: "heard" });
    vi.advanceTimersByTime(10_000);
    expect(alarm()).toBe("");
  });

  test("leaves the newest frame in the model, where a saved notebook finds it", () => {
    model.fire("msg:custom", { type: "patch", seq: 8, patch: { meta: { revision: 4 } } });
    expect(model.get("frame").seq).toBe(7);
    vi.advanceTimersByTime(1000);
    expect(model.get("frame").seq).toBe(8);
    expect(model.get("frame").frame.meta.revision).toBe(4);
  });
});

describe("the scheduler's last decision", () => {
  const grid = {
    title: "shop/web-1: attempt 1, goes to node-2",
    nodes: ["node-1", EVIL],
    lines: [
      { point: "filter", plugin: "NodeResourcesFit", cells: [["failed", "Insufficient cpu"], ["done", ""]] },
      { point: "total", plugin: "TOTAL", cells: [["", "-"], ["", "370 ◀"]] },
    ],
    notes: [EVIL],
  };
  const shown = () => el.querySelector(".k8snb-grid");
  const patch = (seq, scheduling) => model.fire("msg:custom", { type: "patch", seq, patch: { meta: { scheduling } } });

  test("is a table: a row for each plugin, a column for each node, in signs and words", () => {
    patch(8, grid);
    const cells = (row) => [...row.children].map((cell) => cell.textContent);
    expect([...shown().querySelectorAll("tr")].map(cells)).toEqual([
      ["point", "plugin", "node-1", EVIL],
      ["filter", "NodeResourcesFit", "✖ Insufficient cpu", "✔"],
      ["total", "TOTAL", "-", "370 ◀"],
    ]);
    expect(shown().querySelectorAll("th[scope=col]").length).toBe(4);
    expect(shown().querySelector("caption").textContent).toBe(grid.title);
    expect(shown().querySelector("img")).toBeNull();
  });

  test("follows the steps, and is left alone while nothing new is decided", () => {
    expect(shown().textContent).toBe("no_decision");
    patch(8, grid);
    const table = shown().querySelector("table");
    model.fire("msg:custom", { type: "patch", seq: 9, patch: { meta: { revision: 4 } } });
    expect(shown().querySelector("table")).toBe(table);
    patch(10, { ...grid, lines: [], title: "fits nowhere" });
    expect(shown().textContent).toContain("fits nowhere");
    expect(shown().querySelector("table")).toBeNull();
  });
});

describe("what is shown", () => {
  test("pods stand in their node, with a sign and a word", () => {
    expect(pod("b").textContent).toBe("✖ bCrashLoopBackOff");
    expect(pod("b").closest("[data-id='nodes node-1']")).not.toBeNull();
    expect(pod("b").getAttribute("aria-label")).toBe("Pod shop/b 1/1 CrashLoopBackOff");
  });

  test("hostile names stay text", () => {
    expect(el.querySelector("img")).toBeNull();
    expect(el.textContent).toContain(EVIL);
  });

  test("busy components light up and stopped ones say so", () => {
    expect(el.querySelector(".k8snb-server").classList.contains("busy")).toBe(true);
    expect(el.querySelector("[data-id='kube-scheduler']").textContent).toBe("✖ kube-schedulerstopped");
  });

  test("the newest step stands first and is marked", () => {
    const [first, second] = el.querySelectorAll(".k8snb-log li");
    expect(first.getAttribute("data-id")).toBe("#2");
    expect([first.classList.contains("fresh"), second.classList.contains("fresh")]).toEqual([true, false]);
  });

  test("a screen reader hears what happened", () => {
    expect(el.querySelector("[role=status]").textContent).toContain("2 ● Running");
  });
});

describe("the wire", () => {
  const change = { set: { pods: { "pods shop/a": { ...frame().pods["pods shop/a"], state: "ending", word: "Terminating" } } } };

  test("a patch changes one chip and keeps the element", () => {
    const before = pod("a");
    model.fire("msg:custom", { type: "patch", seq: 8, patch: change });
    expect(pod("a")).toBe(before);
    expect(before.textContent).toBe("◐ aTerminating");
  });

  test("a gap asks for a frame once, and the frame mends it", () => {
    model.sent.length = 0;
    model.fire("msg:custom", { type: "patch", seq: 9, patch: change });
    model.fire("msg:custom", { type: "patch", seq: 10, patch: change });
    expect(model.sent).toEqual([{ do: "sync" }]);
    model.fire("msg:custom", { type: "frame", seq: 10, frame: frame({ pods: {} }) });
    expect(button("Terminating")).toBeUndefined();
    expect(el.querySelectorAll(".k8snb-nodes ul button").length).toBe(0);
  });

  test("an old patch is passed over", () => {
    model.fire("msg:custom", { type: "patch", seq: 7, patch: change });
    expect(button("Terminating")).toBeUndefined();
  });

  test("two displays of one model show the same, and one that is closed hears nothing", () => {
    const second = document.createElement("div");
    const closeSecond = view.render({ model, el: second });
    model.fire("msg:custom", { type: "patch", seq: 8, patch: change });
    expect(second.textContent).toContain("Terminating");
    closeSecond();
    model.assign("frame", { seq: 9, frame: frame({ pods: {} }) });
    expect(second.textContent).toContain("Terminating");
    expect(el.textContent).not.toContain("Terminating");
  });

  test("an error of a learner's code is an alert", () => {
    model.fire("msg:custom", { type: "error", text: EVIL });
    expect(el.querySelector("[role=alert]").textContent).toBe(EVIL);
  });
});

describe("controls", () => {
  test("each button sends its command and nothing else", () => {
    model.sent.length = 0;
    for (const name of ["step_event", "step_reconcile", "step_settle", "play", "back"]) button(name).click();
    expect(model.sent).toEqual([
      { do: "step", size: "event" },
      { do: "step", size: "reconcile" },
      { do: "step", size: "settle" },
      { do: "play" },
      { do: "seek", index: 2 },
    ]);
  });

  test("play becomes pause", () => {
    model.fire("msg:custom", { type: "patch", seq: 8, patch: { meta: { playing: true } } });
    button("pause").click();
    expect(model.sent.at(-1)).toEqual({ do: "pause" });
  });

  test("the timeline sends an index, and the past is marked", () => {
    const slider = el.querySelector("input[type=range]");
    slider.value = "1";
    slider.dispatchEvent(new Event("input"));
    expect(model.sent.at(-1)).toEqual({ do: "seek", index: 1 });
    model.fire("msg:custom", { type: "patch", seq: 8, patch: { meta: { live: false, index: 1 } } });
    expect(el.querySelector(".k8snb-past").hidden).toBe(false);
  });

  test("a click on a pod shows its manifest and its last change, as text", () => {
    pod("b").click();
    expect(model.sent.at(-1)).toEqual({ do: "inspect", id: "pods shop/b" });
    model.fire("msg:custom", { type: "card", id: "pods shop/b", yaml: `name: ${EVIL}`, diff: [["-", "a: 1"], ["+", EVIL]], said: EVIL });
    const card = el.querySelector(".k8snb-card");
    expect(card.hidden).toBe(false);
    expect(card.querySelector("[data-sign='+']").textContent).toBe(`+ ${EVIL}`);
    expect(card.querySelector("img")).toBeNull();
  });

  test("many pods are one tab stop, and arrows move between them", () => {
    const chips = [...el.querySelectorAll(".k8snb-nodes button")];
    expect(chips.filter((chip) => chip.tabIndex === 0).length).toBe(1);
    chips[0].focus();
    chips[0].dispatchEvent(new KeyboardEvent("keydown", { key: "ArrowRight", bubbles: true }));
    expect(document.activeElement).toBe(chips[1]);
    expect(chips.map((chip) => chip.tabIndex)).toEqual([-1, 0, -1]);
  });

  test("tabs turn with the arrow keys", () => {
    const [first, second] = el.querySelectorAll("[role=tab]");
    first.focus();
    first.dispatchEvent(new KeyboardEvent("keydown", { key: "ArrowRight", bubbles: true }));
    expect(second.getAttribute("aria-selected")).toBe("true");
    expect(document.activeElement).toBe(second);
  });
});

test("a thousand pods are drawn, and one change touches one of them", () => {
  const list = document.createElement("ul");
  const rows = Array.from({ length: 1000 }, (_, i) => ({ id: String(i) }));
  let updates = 0;
  const update = () => updates++;
  sync(list, rows, () => h("li"), update);
  sync(list, rows.map((row, i) => (i === 500 ? { id: "500" } : row)), () => h("li"), update);
  expect([list.children.length, updates]).toEqual([1000, 1001]);
});
