"""The exercises of chapter 16: two applications and a default, a rule that never matches, a certificate, three statuses."""

import base64

from k8snb import Cluster
from k8snb.apimachinery.objects import dig
from k8snb.course.exercise import Exercise, Wrong, finding

INGRESSES = "ingresses.networking.k8s.io"


def laboratory(*names, **ports):
    """A cluster with a controller, and for each name a Deployment and a Service; ``ports`` are wrong target ports."""
    cluster = Cluster(nodes=2, ingress=True)
    for name in names:
        cluster.kubectl(f"create deployment {name} --image=k8snb/web:1.0")
        cluster.kubectl(f"expose deployment {name} --port=80 --target-port={ports.get(name, 8080)}")
    cluster.run_for(30)
    return cluster


def path(path, service, kind="Prefix", port=80):
    return f"{{path: {path!r}, pathType: {kind}, backend: {{service: {{name: {service}, port: {{number: {port}}}}}}}}}"


def ingress(*paths, name="shop", more=""):
    rules = "".join(f"      - {one}\n" for one in paths)
    return f"""apiVersion: networking.k8s.io/v1
kind: Ingress
metadata:
  name: {name}
spec:
  ingressClassName: nginx
{more}  rules:
  - host: shop.example
    http:
      paths:
{rules}"""


def served_by(response):
    """The Deployment whose Pod answered."""
    return response.backend.rpartition("/")[2].rpartition("-")[0].rpartition("-")[0] if response.status == 200 else ""


def said(response):
    return str(response.status or response.error)


# ---------------------------------------------------------------- route: two applications and a default


def three_services():
    return laboratory("shop", "api", "home")


def door_of(cluster):
    """The address of the first Ingress that has one."""
    found = [dig(one, "status.loadBalancer.ingress", ()) for one in cluster.get(INGRESSES)]
    return next((one[0]["ip"] for one in found if one), "")


def check_route(cluster, _answer):
    cluster.run_for(10)
    if not cluster.get(INGRESSES):
        yield finding("none")
        return
    door = door_of(cluster)
    if not door:
        yield finding("no_address")
        return
    for asked, wanted in (("/", "shop"), ("/cart/1", "shop"), ("/api", "api"), ("/api/v1", "api"), ("/apis", "shop")):
        response = cluster.http(f"http://{door}{asked}", headers={"Host": "shop.example"})
        if served_by(response) != wanted:
            name = "api" if wanted == "api" else "whole_elements" if asked == "/apis" else "shop"
            yield finding(name, path=asked, said=served_by(response) or said(response))
    other = cluster.http(f"http://{door}/api", headers={"Host": "other.example"})
    if served_by(other) != "home":
        yield finding("default", said=served_by(other) or said(other))


ROUTES = (path("/", "shop"), path("/api", "api"))
DEFAULT = "  defaultBackend: {service: {name: home, port: {number: 80}}}\n"
DOOR = "%%manifest\n" + ingress(*ROUTES, name="door", more=DEFAULT)

ROUTE = Exercise(
    id="route",
    start=three_services,
    check=check_route,
    solution=DOOR,
    wrong=(
        Wrong(DOOR.replace(DEFAULT, ""), "default"),
        Wrong(DOOR.replace("'/api', pathType: Prefix", "'/api', pathType: Exact"), "api"),
        Wrong(DOOR.replace("'/api', pathType: Prefix", "'/api', pathType: ImplementationSpecific"), "whole_elements"),
        Wrong(DOOR.replace("  ingressClassName: nginx\n", ""), "no_address"),
        Wrong(DOOR.replace("name: home", "name: shop"), "default"),
    ),
)

# ---------------------------------------------------------------- never: the star that stands for itself

PATHS = (path("/", "shop"), path("/cart", "cart"), path("/search/*", "search"), path("/help", "help", "Exact"))


def a_star():
    cluster = laboratory("shop", "cart", "search", "help")
    cluster.kubectl("delete validatingwebhookconfiguration ingress-nginx-admission")  # it would refuse the star
    cluster.kubectl("apply -f -", stdin=ingress(*PATHS))
    cluster.run_for(10)
    return cluster


def check_never(cluster, answer):
    cluster.run_for(10)
    if answer is ...:
        yield finding("unanswered")
    elif not isinstance(answer, str):
        yield finding("not_a_path")
    elif answer.strip() != "/search/*":
        known = {"/": "front", "/cart": "works", "/help": "works", "/search": "repaired"}
        yield finding(known.get(answer.strip(), "no_such_rule"), path=answer)
    if cluster.get(INGRESSES, "shop") is None:
        yield finding("gone")
        return
    for asked, wanted in (("/search/shoes", "search"), ("/search", "search")):
        response = cluster.http(f"http://shop.example{asked}")
        if served_by(response) != wanted:
            yield finding("still", path=asked, said=served_by(response) or said(response))
    for asked, wanted in (("/", "shop"), ("/cart/1", "cart"), ("/help", "help")):
        response = cluster.http(f"http://shop.example{asked}")
        if served_by(response) != wanted:
            yield finding("broken", path=asked, said=served_by(response) or said(response), wanted=wanted)


def answered(manifest, answer="/search/*"):
    """A cell that hands in a manifest and gives an answer."""
    return f'lab.kubectl("apply -f -", stdin="""{manifest}""")\nanswer = {answer!r}'


SEARCH = ingress(*PATHS).replace("/search/*", "/search")

NEVER = Exercise(
    id="never",
    start=a_star,
    check=check_never,
    solution=answered(SEARCH),
    wrong=(
        Wrong('answer = "/help"', "works"),
        Wrong(answered(SEARCH, "/search"), "repaired"),
        Wrong('answer = "/search/*"', "still"),
        Wrong(answered(SEARCH.replace("'/search', pathType: Prefix", "'/search/shoes', pathType: Exact")), "still"),
        Wrong(answered(ingress(path("/", "search"))), "broken"),
        Wrong('%kubectl delete ingress shop\nanswer = "/search/*"', "gone"),
    ),
)

# ---------------------------------------------------------------- tls: a lock on the door


def no_lock():
    cluster = laboratory("shop")
    more = "  tls:\n  - hosts: [shop.example]\n    secretName: shop-cert\n"
    cluster.kubectl("create secret generic shop-cert --from-literal=tls.crt=todo --from-literal=tls.key=todo")
    cluster.kubectl("apply -f -", stdin=ingress(path("/", "shop"), more=more))
    cluster.run_for(10)
    return cluster


def check_tls(cluster, _answer):
    cluster.run_for(10)
    shop = cluster.get(INGRESSES, "shop")
    if shop is None:
        yield finding("gone")
        return
    secure = cluster.http("https://shop.example/")
    names = [item["secretName"] for item in dig(shop, "spec.tls", ()) if item.get("secretName")]
    if secure.error == "certificate not trusted":
        secrets = {name: cluster.get("secrets", name) for name in names}
        missing = [name for name, secret in secrets.items() if secret is None]
        if not names:
            yield finding("no_tls")
        elif missing:
            yield finding("no_secret", name=missing[0])
        elif all("BEGIN CERTIFICATE" not in _decoded(secret) for secret in secrets.values()):
            yield finding("no_certificate", name=names[0])
        else:
            yield finding("hosts")
    elif secure.status != 200:
        yield finding("silent", said=said(secure))
    elif cluster.http("http://shop.example/").status != 308:
        yield finding("no_redirect")


def _decoded(secret):
    return base64.b64decode(dig(secret, ("data", "tls.crt"), "")).decode("utf-8", "replace")


MAKE = 'lab.kubectl("create secret tls shop-tls --cert=tls.crt --key=tls.key", files=files)\n'
NAME_IT = """lab.kubectl(["patch", "ingress", "shop", "-p", '{"spec":{"tls":[{"hosts":["shop.example"],"secretName":"shop-tls"}]}}'])"""

TLS = Exercise(
    id="tls",
    start=no_lock,
    check=check_tls,
    solution=MAKE + NAME_IT,
    wrong=(
        Wrong(MAKE, "no_certificate"),
        Wrong(NAME_IT, "no_secret"),
        Wrong("""lab.kubectl(["patch", "ingress", "shop", "-p", '{"spec":{"tls":null}}'])""", "no_tls"),
        Wrong(MAKE + NAME_IT.replace("shop-tls", ""), "no_tls"),
        Wrong(MAKE + NAME_IT.replace("[{", '[{"hosts":["shop.example"],"secretName":"shop-cert"},{'), "hosts"),
        Wrong(MAKE + NAME_IT + "\nlab.kubectl('annotate ingress shop nginx.ingress.kubernetes.io/ssl-redirect=false')", "no_redirect"),
    ),
)

# ---------------------------------------------------------------- status: three numbers, three repairs

BROKEN = (path("/cart", "cart"), path("/pay", "pay", port=8080), path("/help/", "help", "Exact"))


def three_numbers():
    cluster = laboratory("cart", "pay", "help", cart=80)
    cluster.kubectl("apply -f -", stdin=ingress(*BROKEN))
    cluster.run_for(10)
    return cluster


def check_status(cluster, _answer):
    cluster.run_for(20)
    if cluster.get(INGRESSES, "shop") is None:
        yield finding("gone")
        return
    for page in ("cart", "pay", "help"):
        if cluster.get("services", page) is None:
            yield finding("no_service", name=page)
        response = cluster.http(f"http://shop.example/{page}")
        if response.status == 200 and served_by(response) != page:
            yield finding("somebody_else", page=page, served=served_by(response))
        elif response.status != 200:
            known = {404: "not_found", 502: "refused", 503: "nobody"}
            yield finding(known.get(response.status, "other"), page=page, said=said(response))


PORT = """%kubectl patch service cart -p '{"spec":{"ports":[{"port":80,"targetPort":8080}]}}'\n"""
MENDED = ingress(path("/cart", "cart"), path("/pay", "pay"), path("/help", "help"))
APPLY = f'lab.kubectl("apply -f -", stdin="""{MENDED}""")'

STATUS = Exercise(
    id="status",
    start=three_numbers,
    check=check_status,
    solution=PORT + APPLY,
    wrong=(
        Wrong(APPLY, "refused"),
        Wrong(PORT + APPLY.replace("'/help', pathType: Prefix", "'/help/', pathType: Exact"), "not_found"),
        Wrong(PORT + APPLY.replace("name: pay, port: {number: 80}", "name: pay, port: {number: 8080}"), "nobody"),
        Wrong(PORT + APPLY.replace("name: help", "name: cart"), "somebody_else"),
        Wrong("%kubectl delete ingress shop", "gone"),
    ),
)

EXERCISES = (ROUTE, NEVER, TLS, STATUS)
QUIZ = {"layer": 1, "nobody": 2, "gateway": 0, "prefix": 1}
