// @ts-check
/**
 * The live view of a cluster, in the browser: a frame of rows, kept up to date by patches.
 *
 * The kernel sends a whole frame in the trait `frame` (for display and redisplay) and afterwards only patches, as custom messages
 * with a sequence number. Where a number is missing we ask for a new frame. Everything shown is set as text, never as markup.
 * The Python half, with the meaning of every row, is k8snb/views/live.py; `patched` here and there are tested on the same cases.
 *
 * @typedef {Record<string, any>} Row
 * @typedef {{meta: Record<string, any>} & Record<string, Record<string, Row>>} Frame
 * @typedef {{set?: Record<string, Record<string, Row>>, drop?: Record<string, string[]>, order?: Record<string, string[]>, meta?: Row}} Patch
 * @typedef {{seq: number, frame: Frame}} Numbered
 * @typedef {{frame: Numbered, labels: Record<string, string>, speeds: number[]}} Traits
 * @typedef {import("@anywidget/types").AnyModel<Traits>} Model
 */

const SECTIONS = ["components", "workloads", "nodes", "pods", "log", "events"];
const SIGNS = /** @type {Record<string, string>} */ ({ ok: "●", pending: "◌", failed: "✖", ending: "◐", done: "✔", unknown: "?" });
const CROWD = 60; // with more pods than this, those that are well are drawn as a sign without a name
const SIZES = ["event", "reconcile", "settle"];
const PATIENCE = 3000; // milliseconds without an answer of the kernel before the view says so
const REST = 1000; // milliseconds without a change before the frame is put where a saved notebook keeps it

/** The frame after a patch; the given one is not changed.
 * @param {Frame} frame @param {Patch} patch @returns {Frame} */
export function patched(frame, patch) {
  const result = /** @type {Frame} */ ({ meta: { ...frame.meta, ...patch.meta } });
  for (const section of SECTIONS) {
    const touched = patch.set?.[section] ?? patch.drop?.[section] ?? patch.order?.[section];
    if (!touched) {
      result[section] = frame[section]; // the same object: nothing of it has to be drawn again
      continue;
    }
    const gone = new Set(patch.drop?.[section]);
    const kept = Object.entries(frame[section] ?? {}).filter(([id]) => !gone.has(id));
    const rows = { ...Object.fromEntries(kept), ...patch.set?.[section] };
    const order = patch.order?.[section];
    result[section] = order ? Object.fromEntries(order.map((id) => [id, rows[id]])) : rows;
  }
  return result;
}

/** An element with properties and children; strings become text nodes.
 * @template {keyof HTMLElementTagNameMap} T
 * @param {T} tag @param {Record<string, any>} [props] @param {...(Node|string)} children @returns {HTMLElementTagNameMap[T]} */
export function h(tag, props = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(props)) {
    if (name.startsWith("on")) element.addEventListener(name.slice(2), value);
    else if (name in element && name !== "list") /** @type {any} */ (element)[name] = value;
    else element.setAttribute(name, value);
  }
  element.append(...children);
  return element;
}

/** Make the children of `parent` show `rows`, keyed by id: elements stay, move, come and go with their rows.
 * @param {HTMLElement} parent @param {Row[]} rows @param {(row: Row) => HTMLElement} make @param {(element: HTMLElement, row: Row) => void} update */
export function sync(parent, rows, make, update) {
  /** @type {Map<string, HTMLElement>} */
  const old = new Map([...parent.children].map((child) => [child.getAttribute("data-id") ?? "", /** @type {HTMLElement} */ (child)]));
  let place = parent.firstElementChild;
  for (const row of rows) {
    let element = old.get(row.id);
    old.delete(row.id);
    if (!element) {
      element = make(row);
      element.setAttribute("data-id", row.id);
    }
    if (element === place) place = place.nextElementSibling;
    else parent.insertBefore(element, place);
    if (/** @type {any} */ (element).row !== row) {
      /** @type {any} */ (element).row = row;
      update(element, row);
    }
  }
  for (const element of old.values()) element.remove();
}

/** Holds the current frame of one model; every displayed copy of the view listens to it. */
class Store {
  /** @param {Model} model */
  constructor(model) {
    this.model = model;
    this.current = model.get("frame");
    /** @type {Set<(message: Row) => void>} */
    this.listeners = new Set();
    this.waiting = false;
    this.patience = this.rest = 0;
    model.on("change:frame", () => model.get("frame") !== this.current && this.take(model.get("frame")));
    model.on("msg:custom", (/** @type {Row} */ message) => this.receive(message));
  }

  /** @param {Row} message */
  receive(message) {
    clearTimeout(this.patience);
    if (message.type === "frame") this.take({ seq: message.seq, frame: message.frame });
    else if (message.type === "patch") this.patch(message);
    else this.tell(message);
  }

  /** @param {Numbered} numbered */
  take(numbered) {
    this.waiting = false;
    this.current = numbered;
    this.tell({ type: "frame" });
    clearTimeout(this.rest);
    this.rest = window.setTimeout(() => this.model.set("frame", this.current), REST); // not sent: the kernel has it already
  }

  /** @param {Row} message */
  patch(message) {
    if (message.seq <= this.current.seq) return; // older than the frame that we have
    if (message.seq === this.current.seq + 1) this.take({ seq: message.seq, frame: patched(this.current.frame, message.patch) });
    else if (!this.waiting) {
      this.waiting = true; // a gap: one question is enough
      this.send("sync");
    }
  }

  /** @param {Row} message */
  tell(message) {
    for (const listener of this.listeners) listener(message);
  }

  /** @param {string} what @param {Row} [rest] */
  send(what, rest = {}) {
    clearTimeout(this.patience);
    const silent = () => this.tell({ type: "silent" });
    if (what !== "sync") this.patience = window.setTimeout(silent, PATIENCE);
    try {
      this.model.send({ do: what, ...rest });
    } catch {
      silent(); // the kernel was restarted: there is nothing to send to
    }
  }
}

/** @type {WeakMap<object, Store>} */
const stores = new WeakMap();

/** @param {Model} model */
function storeOf(model) {
  const known = stores.get(model) ?? new Store(model);
  stores.set(model, known);
  return known;
}

/** Sign, text and class of a state; the sign is for those who do not see the colour.
 * @param {HTMLElement} element @param {string} state @param {...string} words */
function look(element, state, ...words) {
  element.dataset.state = state || "plain";
  element.textContent = [SIGNS[state], ...words].filter(Boolean).join(" ");
}

/** Short form of a name in a narrow place: what stands behind the namespace.
 * @param {string} name */
const short = (name) => name.slice(name.indexOf("/") + 1);

/** One displayed view: builds its elements once, then only updates them. */
class View {
  /** @param {Store} store @param {HTMLElement} root */
  constructor(store, root) {
    this.store = store;
    this.labels = store.model.get("labels");
    this.chosen = "";
    this.spoken = 0;
    this.root = root;
    /** @type {Partial<Frame>} */
    this.shown = {};
    this.parts = this.build();
    this.open("happened");
    this.listener = (/** @type {Row} */ message) => this.hear(message);
    store.listeners.add(this.listener);
    this.show();
    store.send("sync", { seq: store.current.seq });
  }

  /** @param {string} key */
  say(key) {
    return this.labels[key] ?? key;
  }

  /** @param {Row} message */
  hear(message) {
    if (message.type === "frame") this.show();
    if (message.type === "card") this.showCard(message);
    if (message.type === "error") this.parts.error.textContent = message.text;
    if (message.type === "silent") this.parts.error.textContent = this.say("silent");
    if (message.type === "heard") this.parts.error.textContent = "";
  }

  build() {
    const parts = { ...this.controls(), ...this.stage(), ...this.details() };
    const main = h("div", { className: "k8snb-main" }, parts.world, parts.side);
    const live = h("div", { className: "k8snb-hidden", role: "status", "aria-live": "polite" });
    const error = h("p", { className: "k8snb-error", role: "alert" });
    this.root.classList.add("k8snb-view");
    this.root.addEventListener("keydown", keep);
    this.root.setAttribute("role", "group");
    this.root.setAttribute("aria-label", this.say("title"));
    this.root.append(parts.toolbar, parts.timeline, parts.next, error, parts.past, parts.plane, main, live);
    return { ...parts, live, error };
  }

  /** The buttons and the timeline. */
  controls() {
    const button = (/** @type {string} */ key, /** @type {() => void} */ onclick) => h("button", { type: "button", onclick }, this.say(key));
    const steps = SIZES.map((size) => {
      const one = button(`step_${size}`, () => this.store.send("step", { size }));
      one.title = this.say(`step_${size}_help`);
      return one;
    });
    const play = button("play", () => this.store.send(this.meta.playing ? "pause" : "play"));
    const rates = this.store.model.get("speeds").map((rate) => h("option", { value: String(rate) }, this.say("rate").replace("{rate}", String(rate))));
    const speed = h("select", { "aria-label": this.say("speed"), onchange: () => this.store.send("speed", { rate: Number(speed.value) }) }, ...rates);
    const clock = h("span", { className: "k8snb-clock" }); // no live region: the status line speaks, not too often
    const toolbar = h("div", { className: "k8snb-bar", role: "toolbar", "aria-label": this.say("controls") }, ...steps, play, speed, clock);
    const seek = (/** @type {number} */ index) => this.store.send("seek", { index });
    const slider = h("input", { type: "range", min: "0", "aria-label": this.say("timeline"), oninput: () => seek(Number(slider.value)) });
    const back = button("back", () => seek(this.meta.index - 1));
    const forward = button("forward", () => seek(this.meta.index + 1));
    const now = button("now", () => seek(this.meta.length));
    const timeline = h("div", { className: "k8snb-bar" }, back, slider, forward, now);
    const next = h("p", { className: "k8snb-next" });
    return { toolbar, timeline, next, play, speed, clock, slider, back, forward, now, steps };
  }

  /** The control plane, the workloads and the nodes. */
  stage() {
    const region = (/** @type {string} */ key, /** @type {string} */ name, /** @type {HTMLElement} */ body) =>
      h("section", { className: `k8snb-${name}`, "aria-label": this.say(key) }, h("h3", {}, this.say(key)), body);
    const clients = h("ul", { className: "k8snb-clients" });
    const server = h("div", { className: "k8snb-server" });
    const store = h("div", { className: "k8snb-etcd" });
    const plane = region("components", "plane", h("div", { className: "k8snb-flow" }, clients, server, store));
    const workloads = h("ul", { className: "k8snb-chips" });
    const nodes = h("ul", { className: "k8snb-nodes" });
    const tally = h("p", { className: "k8snb-tally" });
    const past = h("p", { className: "k8snb-past", hidden: true }, this.say("past"));
    const world = h("div", { className: "k8snb-world" }, region("workloads", "workloads", workloads), region("nodes", "machines", nodes), tally);
    for (const list of [workloads, nodes]) roving(list);
    world.addEventListener("click", (event) => {
      const name = /** @type {Element} */ (event.target).closest("[data-object]")?.getAttribute("data-object");
      if (name) this.inspect(name);
    });
    return { plane, clients, server, etcd: store, workloads, nodes, tally, past, world };
  }

  /** The three tabs: what happened, events, the chosen object. */
  details() {
    const log = h("ol", { className: "k8snb-log" });
    const events = h("ol", { className: "k8snb-log" });
    const card = h("div", { className: "k8snb-card" }, h("p", {}, this.say("choose")));
    const grid = h("div", { className: "k8snb-grid" });
    const panels = Object.entries({ happened: log, scheduling: grid, events, object: card }).map(([key, body]) => ({ key, body }));
    const id = `k8snb-${Math.random().toString(36).slice(2, 8)}`; // only joins tabs and panels in this page
    const tabs = panels.map(({ key, body }) => {
      body.setAttribute("role", "tabpanel");
      body.id = `${id}-${key}`;
      body.tabIndex = 0;
      body.setAttribute("aria-label", this.say(key));
      return h("button", { type: "button", role: "tab", "aria-controls": body.id, onclick: () => this.open(key) }, this.say(key));
    });
    const list = h("div", { role: "tablist", className: "k8snb-tabs", "aria-label": this.say("details") }, ...tabs);
    list.addEventListener("keydown", (event) => this.turn(event));
    const side = h("div", { className: "k8snb-side" }, list, ...panels.map(({ body }) => body));
    return { log, grid, events, card, panels, tabs, side };
  }

  /** @param {KeyboardEvent} event */
  turn(event) {
    const move = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
    if (!move) return;
    const { tabs, panels } = this.parts;
    const at = tabs.findIndex((tab) => tab.tabIndex === 0);
    const next = (at + move + tabs.length) % tabs.length;
    this.open(panels[next].key);
    tabs[next].focus();
    event.preventDefault();
  }

  /** @param {string} key */
  open(key) {
    this.parts.panels.forEach((panel, i) => {
      const on = panel.key === key;
      panel.body.hidden = !on;
      this.parts.tabs[i].setAttribute("aria-selected", String(on));
      this.parts.tabs[i].tabIndex = on ? 0 : -1;
    });
  }

  /** @param {string} name */
  inspect(name) {
    this.chosen = name;
    this.open("object");
    this.store.send("inspect", { id: name });
  }

  get frame() {
    return this.store.current.frame;
  }

  get meta() {
    return this.frame.meta ?? {};
  }

  /** Bring every part up to date. A section that is the same object as before has not changed and is left alone. */
  show() {
    const { frame, meta, shown } = this;
    if (!frame.nodes) return;
    const changed = (/** @type {string[]} */ ...sections) => sections.some((section) => shown[section] !== frame[section]);
    this.showControls(meta);
    if (changed("components")) this.showPlane(Object.values(frame.components));
    if (changed("workloads")) sync(this.parts.workloads, Object.values(frame.workloads), makeChip, updateWorkload);
    if (changed("nodes", "pods")) this.showNodes(frame);
    if (changed("log")) sync(this.parts.log, Object.values(frame.log).reverse(), makeStep, (element, row) => this.updateStep(element, row));
    if (changed("events")) sync(this.parts.events, Object.values(frame.events).reverse(), () => h("li"), updateEvent);
    if (shown.meta === undefined || shown.meta.scheduling !== meta.scheduling) this.showGrid(meta.scheduling);
    for (const step of this.parts.log.children) step.classList.toggle("fresh", Number(step.getAttribute("data-id")?.slice(1)) >= meta.fresh);
    for (const list of [this.parts.workloads, this.parts.nodes]) oneTabStop(list);
    if (this.chosen && shown.meta?.revision !== meta.revision) this.store.send("inspect", { id: this.chosen });
    this.shown = frame;
    this.announce(frame);
  }

  /** @param {Row} meta */
  showControls(meta) {
    const { parts } = this;
    parts.error.textContent = "";
    parts.play.textContent = this.say(meta.playing ? "pause" : "play");
    parts.play.setAttribute("aria-pressed", String(Boolean(meta.playing)));
    parts.speed.value = String(meta.rate);
    parts.clock.textContent = `${meta.clock} · ${this.say("revision")} ${meta.revision}`;
    parts.next.textContent = meta.next ?? "";
    parts.slider.min = String(meta.first ?? 0);
    parts.slider.max = String(meta.length);
    parts.slider.value = String(meta.index);
    parts.slider.setAttribute("aria-valuetext", parts.clock.textContent);
    parts.back.disabled = meta.index <= (meta.first ?? 0);
    parts.forward.disabled = parts.now.disabled = meta.live;
    parts.past.hidden = meta.live;
    parts.tally.textContent = meta.pods;
    this.root.classList.toggle("past", !meta.live);
  }

  /** @param {Row[]} rows */
  showPlane(rows) {
    const { clients, server, etcd } = this.parts;
    const special = /** @type {Record<string, HTMLElement>} */ ({ "kube-apiserver": server, etcd });
    sync(clients, rows.filter((row) => !(row.id in special)), () => h("li"), updateComponent);
    for (const row of rows) if (row.id in special) updateComponent(special[row.id], row);
  }

  /** @param {Frame} frame */
  showNodes(frame) {
    /** @type {Map<string, Row[]>} */
    const homes = new Map();
    for (const pod of Object.values(frame.pods)) {
      const here = homes.get(pod.home);
      if (here) here.push(pod);
      else homes.set(pod.home, [pod]);
    }
    this.root.classList.toggle("dense", Object.keys(frame.pods).length > CROWD);
    sync(this.parts.nodes, Object.values(frame.nodes), makeNode, updateNode);
    for (const element of this.parts.nodes.children) {
      const list = /** @type {HTMLElement} */ (element.querySelector("ul"));
      sync(list, homes.get(element.getAttribute("data-id") ?? "") ?? [], makeChip, updatePod);
    }
  }

  /** The last decision of the scheduler: a row for each plugin, a column for each node. @param {Row | null} grid */
  showGrid(grid) {
    if (!grid) {
      this.parts.grid.replaceChildren(h("p", {}, this.say("no_decision")));
      return;
    }
    const head = [this.say("point"), this.say("plugin"), ...grid.nodes].map((name) => h("th", { scope: "col" }, name));
    const rows = grid.lines.map((/** @type {Row} */ line) => {
      const cells = line.cells.map((/** @type {[string, string]} */ [state, text]) => {
        const cell = h("td");
        look(cell, state, text);
        return cell;
      });
      return h("tr", { "data-point": line.point }, h("td", {}, line.point), h("th", { scope: "row" }, line.plugin), ...cells);
    });
    const table = h("table", {}, h("caption", {}, grid.title), h("thead", {}, h("tr", {}, ...head)), h("tbody", {}, ...rows));
    const notes = grid.notes.map((/** @type {string} */ note) => h("p", {}, note));
    this.parts.grid.replaceChildren(...(rows.length ? [table] : [h("h4", {}, grid.title)]), ...notes);
  }

  /** @param {HTMLElement} element @param {Row} row */
  updateStep(element, row) {
    const [clock, actor, did, why] = element.children;
    look(/** @type {HTMLElement} */ (actor), row.state, row.actor);
    clock.textContent = row.clock;
    did.textContent = row.refused ? `${row.did}: ${row.refused}` : row.did;
    why.textContent = row.why ? `${this.say("because")} ${row.why}` : "";
  }

  /** @param {Row} message */
  showCard(message) {
    if (message.id !== this.chosen) return;
    const diff = message.diff.map((/** @type {[string, string]} */ [sign, line]) => h("div", { "data-sign": sign }, `${sign || " "} ${line}`));
    const parts = [
      h("h4", {}, message.id),
      ...(message.said ? [h("p", {}, message.said)] : []),
      ...(diff.length ? [h("h5", {}, this.say("last_change")), h("pre", { className: "k8snb-diff" }, ...diff)] : []),
      ...(message.yaml ? [h("h5", {}, this.say("manifest")), h("pre", {}, message.yaml)] : [h("p", {}, this.say("gone"))]),
    ];
    this.parts.card.replaceChildren(...parts);
  }

  /** Tell a screen reader what the last step did, but not twenty times a second. @param {Frame} frame */
  announce(frame) {
    const now = Date.now();
    if (this.meta.playing && now - this.spoken < 2000) return;
    this.spoken = now;
    const last = Object.values(frame.log).at(-1);
    this.parts.live.textContent = [this.meta.clock, last && `${last.actor} ${last.did}`, this.meta.pods].filter(Boolean).join(". ");
  }

  close() {
    this.store.listeners.delete(this.listener);
  }
}

/** JupyterLab reads single keys as commands (`x` cuts the cell, an arrow leaves it): inside the view they belong to the view. What is
 * pressed with Ctrl, and Shift+Enter, is meant for the notebook. @param {KeyboardEvent} event */
function keep(event) {
  if (!event.ctrlKey && !event.metaKey && !event.altKey && !(event.shiftKey && event.key === "Enter")) event.stopPropagation();
}

/** One tab stop for a list of many buttons; arrow keys, Home and End move inside. @param {HTMLElement} list */
function roving(list) {
  const all = () => /** @type {HTMLElement[]} */ ([...list.querySelectorAll("button:enabled")]);
  list.addEventListener("focusin", (event) => {
    for (const button of all()) button.tabIndex = button === event.target ? 0 : -1;
  });
  list.addEventListener("keydown", (event) => {
    const buttons = all();
    const at = buttons.indexOf(/** @type {HTMLElement} */ (document.activeElement));
    const to = { ArrowRight: at + 1, ArrowDown: at + 1, ArrowLeft: at - 1, ArrowUp: at - 1, Home: 0, End: buttons.length - 1 }[event.key];
    if (to === undefined || !buttons[to]) return;
    buttons[to].focus();
    event.preventDefault();
  });
}

/** @param {HTMLElement} list */
function oneTabStop(list) {
  const buttons = [...list.querySelectorAll("button:enabled")];
  const stop = buttons.find((button) => button.getAttribute("tabindex") === "0") ?? buttons[0];
  for (const button of buttons) {
    const index = button === stop ? "0" : "-1";
    if (button.getAttribute("tabindex") !== index) button.setAttribute("tabindex", index);
  }
}

/** @param {Row} row */
function makeChip(row) {
  return h("li", {}, h("button", { type: "button", "data-object": row.id }));
}

/** @param {HTMLElement} element @param {Row} row */
function updatePod(element, row) {
  const button = /** @type {HTMLElement} */ (element.firstElementChild);
  const word = row.word === "Running" ? [] : [h("small", {}, row.word)];
  button.dataset.state = row.state || "plain";
  button.replaceChildren(SIGNS[row.state] ?? "", h("span", {}, ` ${short(row.name)}`), ...word);
  button.title = [row.name, row.ready, row.word, row.restarts && `↻${row.restarts}`].filter(Boolean).join(" ");
  button.setAttribute("aria-label", `Pod ${button.title}`);
}

/** @param {HTMLElement} element @param {Row} row */
function updateWorkload(element, row) {
  const button = /** @type {HTMLElement} */ (element.firstElementChild);
  look(button, row.state, row.kind, row.name);
  if (row.word) button.append(h("small", {}, row.word));
}

/** @param {Row} row */
function makeNode(row) {
  const isNode = row.id.startsWith("nodes ");
  const head = h("button", { type: "button", className: "k8snb-head", ...(isNode ? { "data-object": row.id } : { disabled: true }) });
  return h("li", {}, head, h("ul"), h("p"));
}

/** @param {HTMLElement} element @param {Row} row */
function updateNode(element, row) {
  const [head, , more] = /** @type {HTMLElement[]} */ ([...element.children]);
  element.dataset.state = row.state || "plain";
  look(head, row.state, row.name);
  head.title = [row.name, row.word, row.note].filter(Boolean).join(" · ");
  head.replaceChildren(h("span", {}, head.textContent ?? ""), " ", h("small", {}, [row.word, row.down && `${SIGNS.failed} ${row.down}`, row.note].filter(Boolean).join(" · ")));
  element.classList.toggle("busy", Boolean(row.busy));
  element.title = row.did ?? "";
  more.textContent = [row.more, row.tally].filter(Boolean).join(": ");
}

/** @param {HTMLElement} element @param {Row} row */
function updateComponent(element, row) {
  element.dataset.state = row.state || "plain";
  element.classList.toggle("busy", row.busy > 0);
  const count = row.busy ? h("span", { className: "k8snb-count" }, `×${row.busy}`) : "";
  element.replaceChildren(h("b", {}, [row.state === "failed" && SIGNS.failed, row.name].filter(Boolean).join(" ")), count, h("small", {}, row.word));
}

function makeStep() {
  return h("li", {}, h("time"), h("b"), h("span"), h("small"));
}

/** @param {HTMLElement} element @param {Row} row */
function updateEvent(element, row) {
  const reason = h("b");
  look(reason, row.state, row.reason);
  const times = row.count > 1 ? ` ×${row.count}` : "";
  element.replaceChildren(reason, h("span", {}, `${row.about}${times}`), h("small", {}, row.message));
}

/** @param {{model: Model, el: HTMLElement}} context */
function render({ model, el }) {
  const view = new View(storeOf(model), el);
  return () => view.close();
}

export default { render };
