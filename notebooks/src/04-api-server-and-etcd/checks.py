"""The exercises of chapter 4: how many members may fail, when it went wrong, an update conflict, a rolling restart of etcd."""

from k8snb import Cluster
from k8snb.apimachinery.errors import ApiError
from k8snb.client.client import Client
from k8snb.course.exercise import Exercise, Wrong, finding

# ---------------------------------------------------------------- lose: how many members may fail

MAY_FAIL = {1: 0, 3: 1, 4: 1, 5: 2}


def check_lose(_cluster, answer):
    if not isinstance(answer, dict):
        yield finding("not_a_table")
        return
    given = {size: answer.get(size, answer.get(str(size), ...)) for size in MAY_FAIL}
    if all(value is ... for value in given.values()):
        yield finding("unanswered")
        return
    for size, most in MAY_FAIL.items():
        value = given[size]
        if isinstance(value, bool) or not isinstance(value, int):
            yield finding("number", size=size)
        elif value > most:
            yield finding("too_many", size=size, lost=value, left=max(size - value, 0), half=size / 2)
        elif value < most:
            yield finding("too_few", size=size, lost=value + 1, left=size - value - 1)


def lose(**changes):
    return f"answer = {MAY_FAIL | {int(size[1:]): lost for size, lost in changes.items()}!r}"


LOSE = Exercise(
    id="lose",
    check=check_lose,
    solution=lose(),
    wrong=(
        Wrong(lose(_4=2), "too_many"),
        Wrong(lose(_3=2), "too_many"),
        Wrong(lose(_5=1), "too_few"),
        Wrong('answer = {1: "none", 3: 1, 4: 1, 5: 2}', "number"),
        Wrong('answer = {"1": 0, "3": 2, "4": 1, "5": 2}', "too_many"),
        Wrong("answer = 1", "not_a_table"),
    ),
)

# ---------------------------------------------------------------- when: the revision at which it went wrong

APPLES = ("2.00", "2.10", "2.00", "0.02", "0.02", "0.02")


def shop():
    cluster = Cluster(nodes=1)
    cluster.kubectl("create configmap prices --from-literal=apples=2.00 --from-literal=pears=3.00")
    for week, apples in enumerate(APPLES):
        prices = f'{{"data": {{"apples": "{apples}", "pears": "3.{week}0"}}}}'
        cluster.kubectl(["patch", "configmap", "prices", "-p", prices])
        cluster.kubectl(f"create configmap week-{week} --from-literal=apples={apples}")
    return cluster


def price_at(cluster, revision):
    found = cluster.at(revision).find("configmaps", "prices")
    return found["data"]["apples"] if found is not None else None


def check_when(cluster, answer):
    if answer is ... or answer is None:
        yield finding("unanswered")
        return
    if isinstance(answer, bool) or not isinstance(answer, (int, str)) or not str(answer).isdigit():
        yield finding("number")
        return
    revision = int(answer)
    try:
        price, before = price_at(cluster, revision), price_at(cluster, revision - 1)
    except ValueError:
        yield finding("out_of_range", revision=revision, last=cluster.revision)
        return
    if price is None:
        yield finding("nothing_yet", revision=revision)
    elif price != "0.02":
        yield finding("still_right", revision=revision, price=price)
    elif before == "0.02":
        yield finding("already_wrong", revision=revision, before=revision - 1)


SEARCH = """changes = lab.watch("configmaps", since=first, name="prices").take()
answer = next(int(event.revision) for event in changes if event.object["data"]["apples"] == "0.02")
"""

WHEN = Exercise(
    id="when",
    start=shop,
    check=check_when,
    solution=SEARCH,
    wrong=(
        Wrong('answer = int(lab.get("configmaps", "prices")["metadata"]["resourceVersion"])', "already_wrong"),
        Wrong("answer = first", "still_right"),
        Wrong("answer = 1", "nothing_yet"),
        Wrong("answer = 10 ** 6", "out_of_range"),
        Wrong('answer = "week 3"', "number"),
    ),
)

# ---------------------------------------------------------------- sell: an update conflict, won properly

STOCK, PATIENCE = 100, 40


def shelf():
    cluster = Cluster(nodes=1)
    cluster.kubectl(f"create configmap shelf --from-literal=apples={STOCK}")
    return cluster


class Impatient(BaseException):
    """The learner's function asks without end. No ``except`` of theirs may swallow it."""


class Till(Client):
    """A client beside which other tills sell: after each of the first ``busy`` reads somebody else sells one apple."""

    def __init__(self, cluster, busy):
        super().__init__(cluster.send, cluster.client.user, "till")
        self.other, self.busy, self.sold, self.asked = cluster.client, busy, 0, 0

    def request(self, verb, resource, **fields):
        self.asked += 1
        if self.asked > PATIENCE:
            raise Impatient
        answer = super().request(verb, resource, **fields)
        if verb in ("get", "list") and self.busy:
            self.busy -= 1
            self.sold += 1
            found = self.other.get("configmaps", "shelf", "default")
            self.other.update("configmaps", {**found, "data": {"apples": str(int(found["data"]["apples"]) - 1)}})
        return answer


def check_sell(cluster, answer):
    if not callable(answer):
        yield finding("no_function")
        return
    if cluster.get("configmaps", "shelf") is None:
        yield finding("gone")
        return
    if not str((cluster.get("configmaps", "shelf").get("data") or {}).get("apples", "")).isdigit():
        yield finding("no_number")
        return
    for busy in (0, 1, 3):
        yield from one_sale(cluster.fork(), answer, busy)


def one_sale(cluster, sell, busy):
    before = int(cluster.get("configmaps", "shelf")["data"]["apples"])
    till = Till(cluster, busy)
    try:
        sell(till, 5)
    except ApiError as error:
        yield finding("gave_up" if error.code == 409 else "refused", code=error.code, message=error.message[:120], others=busy)
        return
    except Impatient:
        yield finding("endless", asked=PATIENCE, others=busy)
        return
    except Exception as error:  # noqa: BLE001  a learner's function may raise anything
        yield finding("raised", kind=type(error).__name__, reason=str(error)[:120])
        return
    shelf = cluster.get("configmaps", "shelf")
    if shelf is None:
        yield finding("deleted")
        return
    wanted, found = before - 5 - till.sold, (shelf.get("data") or {}).get("apples", "")
    if found != str(wanted):
        yield finding("lost" if found == str(before - 5) or busy else "wrong", wanted=wanted, found=str(found)[:40], others=till.sold)


SELL = '''from k8snb.apimachinery.errors import ApiError

def sell(client, amount):
    while True:
        shelf = client.get("configmaps", "shelf", "default")
        left = int(shelf["data"]["apples"]) - amount
        try:
            return client.update("configmaps", {**shelf, "data": {"apples": str(left)}})
        except ApiError as error:
            if error.code != 409:
                raise
answer = sell
'''
PATCH = '''def sell(client, amount):
    shelf = client.get("configmaps", "shelf", "default")
    left = int(shelf["data"]["apples"]) - amount
    client.patch("configmaps", "shelf", {"data": {"apples": str(left)}}, "default")
answer = sell
'''
SAME_AGAIN = '''from k8snb.apimachinery.errors import ApiError

def sell(client, amount):
    shelf = client.get("configmaps", "shelf", "default")
    left = int(shelf["data"]["apples"]) - amount
    while True:
        try:
            return client.update("configmaps", {**shelf, "data": {"apples": str(left)}})
        except ApiError:
            pass
answer = sell
'''
SWALLOW = '''from k8snb.apimachinery.errors import ApiError

def sell(client, amount):
    shelf = client.get("configmaps", "shelf", "default")
    left = int(shelf["data"]["apples"]) - amount
    try:
        client.update("configmaps", {**shelf, "data": {"apples": str(left)}})
    except ApiError:
        pass
answer = sell
'''
ONCE_MORE = SWALLOW.replace("        pass\n", "        sell_once(client, amount)\n").replace(
    "answer = sell\n",
    '''
def sell_once(client, amount):
    shelf = client.get("configmaps", "shelf", "default")
    client.update("configmaps", {**shelf, "data": {"apples": str(int(shelf["data"]["apples"]) - amount)}})
answer = sell
''',
)

WIN = Exercise(
    id="sell",
    start=shelf,
    check=check_sell,
    solution=SELL,
    wrong=(
        Wrong(PATCH, "lost"),
        Wrong(SAME_AGAIN, "endless"),
        Wrong(SWALLOW, "lost"),
        Wrong(ONCE_MORE, "gave_up"),
        Wrong("def sell(client, amount):\n    client.delete('configmaps', 'shelf', 'default')\nanswer = sell", "deleted"),
        Wrong("""%kubectl patch configmap shelf -p '{"data":{"apples":"many"}}'\n""" + SELL, "no_number"),
        Wrong("answer = 95", "no_function"),
        Wrong("answer = lambda client, amount: client.nothing", "raised"),
    ),
)

# ---------------------------------------------------------------- restart: all members, one after the other


LOOKS = 1000  # so often may be looked while no time passes


class StandsStill(Impatient):
    """The learner's function looks again and again at the same moment."""


class Site:
    """What the learner's function works with. Every stop is looked at: were the two others fit to go on alone?"""

    def __init__(self, cluster):
        self._cluster, self.found, self._waited, self._looked = cluster, [], 0.0, 0
        self.stopped, self.back = [], {row.name: row.role != "stopped" for row in cluster.etcd.members()}

    def members(self):
        self._looked += 1
        if self._looked > LOOKS:
            raise StandsStill
        return self._cluster.etcd.members()

    def wait(self, seconds):
        self._looked = 0
        self._waited += float(seconds)
        if self._waited > 600:
            raise Impatient
        self._cluster.run_for(float(seconds))

    def stop(self, name):
        self._judge(name)
        self._cluster.faults.stop(name)
        self.stopped.append(name)

    def start(self, name):
        self._cluster.faults.start(name)

    def _judge(self, name):
        now = self._cluster.etcd.members()
        rows = [row for row in now if row.name != name]
        latest = max(row.committed for row in now)
        down = [row.name for row in rows if row.role == "stopped"]
        behind = [row.name for row in rows if row.applied < latest]
        if down:
            self.found.append(finding("two_down", name=name, other=down[0]))
        elif not now.leader or any(not row.leader for row in rows):
            self.found.append(finding("no_leader", name=name))
        elif behind:
            self.found.append(finding("behind", name=name, other=behind[0]))


def group():
    cluster = Cluster(nodes=1, etcd=3)
    cluster.kubectl("create configmap shelf --from-literal=apples=100")
    cluster.run_for(1)
    return cluster


def check_restart(cluster, answer):
    if not callable(answer):
        yield finding("no_function")
        return
    if any(row.role == "stopped" for row in cluster.etcd.members()):
        yield finding("not_whole")
        return
    site = Site(cluster)
    try:
        answer(site)
    except StandsStill:
        yield finding("stands_still", looks=LOOKS)
        return
    except Impatient:
        yield finding("endless")
        return
    except Exception as error:  # noqa: BLE001  a learner's function may raise anything
        yield finding("raised", kind=type(error).__name__, reason=(str(error).splitlines() or [""])[0][:120])
        return
    yield from site.found
    for row in cluster.etcd.members():
        if row.name not in site.stopped:
            yield finding("skipped", name=row.name)
        elif row.role == "stopped":
            yield finding("left_down", name=row.name)


RESTART = '''def restart(site):
    for name in ("etcd-1", "etcd-2", "etcd-3"):
        site.stop(name)
        site.wait(1)
        site.start(name)
        site.wait(5)
answer = restart
'''

ROLLING = Exercise(
    id="restart",
    start=group,
    check=check_restart,
    solution=RESTART,
    wrong=(
        Wrong(RESTART.replace("        site.wait(5)\n", ""), "no_leader"),
        Wrong(RESTART.replace("        site.start(name)\n", ""), "two_down"),
        Wrong(RESTART.replace('"etcd-1", ', ""), "skipped"),
        Wrong(RESTART.replace("        site.wait(5)\n", "        site.wait(5)\n    site.stop(name)\n"), "left_down"),
        Wrong(RESTART.replace("site.wait(5)", "site.wait(1000)"), "endless"),
        Wrong(RESTART.replace("        site.wait(1)\n", "        while not site.members().leader:\n            pass\n"), "stands_still"),
        Wrong('answer = "one after the other"', "no_function"),
    ),
)

EXERCISES = (LOSE, WHEN, WIN, ROLLING)
QUIZ = {"version": 1, "conflict": 2, "expired": 0, "alone": 1}
