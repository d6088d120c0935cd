"""The catalogue of images: what each says of itself and does, what a learner may add, and what is refused."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from k8snb.cluster import Cluster
from k8snb.kubelet.images import IMAGES, Catalogue, Image, Process, nginx_conf, parse_reference
from k8snb.messages import set_language
from k8snb.seams.cni import HTTPRequest

Story = Any


@pytest.fixture
def japanese() -> Iterator[None]:
    set_language("ja")
    yield
    set_language("en")


def sh(story: Story, pod: str, command: str) -> str:
    """What a shell in the pod's container prints."""
    return str(story.cluster.kubectl(["exec", pod, "--", "sh", "-c", command]).text)


def run(story: Story, name: str, image: str, *args: str, port: int = 0, env: dict[str, str] | None = None, **spec: Any) -> None:
    """A pod, and a Service of the same name where it has a port."""
    container: dict[str, Any] = {"name": "main", "image": image, **({"args": list(args)} if args else {})}
    container["env"] = [{"name": key, "value": value} for key, value in (env or {}).items()]
    story.create({"metadata": {"name": name, "labels": {"app": name}}, "spec": {"nodeName": "node-1", "containers": [container], **spec}})
    if port:
        service = {"metadata": {"name": name}, "spec": {"selector": {"app": name}, "ports": [{"port": port}]}}
        story.cluster.client.create("services", {"apiVersion": "v1", "kind": "Service", **service}, "default")


# -- the catalogue ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("image", IMAGES, ids=lambda image: image.name)
def test_every_image_says_what_it_stands_for_and_starts(image: type[Image]) -> None:
    catalogue = Catalogue()
    told = catalogue.explain(image.name)
    assert told.summary.endswith(".")
    assert image.name in repr(told)
    assert catalogue.find(parse_reference(f"{image.name}:{image.versions[0]}")) is not None
    assert image.name in catalogue


def test_the_list_names_every_image_once() -> None:
    catalogue = Catalogue()
    assert list(catalogue) == sorted({image.name for image in IMAGES})
    assert repr(catalogue).count("\n") == len(IMAGES) + 1


def test_the_list_speaks_japanese(japanese: None) -> None:
    assert "Web サーバーです" in repr(Catalogue().explain("nginx"))


def test_an_unknown_image_is_explained_as_generic_and_a_wrong_tag_is_refused() -> None:
    catalogue = Catalogue()
    assert "Not simulated" in catalogue.explain("example/thing:1").summary
    with pytest.raises(ValueError, match=r"There is no nginx:9\.9\. Versions that exist: latest"):
        catalogue.explain("nginx:9.9")
    with pytest.raises(ValueError, match="in lower case"):
        catalogue.explain("NGINX")


# -- a learner's own -------------------------------------------------------------------------------------------------


MISUSES = {  # what an image asks of its process that cannot be, and what it is told
    "/exit": (lambda process: process.exit(1.5), "Counter: process.exit: code is a whole number, not 1.5"),
    "/exit-text": (lambda process: process.exit("1"), "Counter: process.exit: code is a whole number, not '1'"),
    "/sleep": (lambda process: process.sleep(10**400), "Counter: process.sleep: duration is a number of seconds from 0"),
    "/use": (lambda process: process.use(growth="1Mi"), "Counter: process.use: growth is a whole number, not '1Mi'"),
    "/log": (lambda process: process.log(5), "Counter: process.log: line is text in quotes, not 5"),
}


class Counter(Image):
    """Counts its visitors."""

    name = "my/counter"
    ports = (8080,)

    def http(self, process: Process, request: HTTPRequest) -> Any:
        """How many there were; or whatever the path asks to go wrong."""
        if request.path == "/fail":
            raise KeyError("no such visitor")
        if request.path == "/list":
            process.memory["all"] = [1]
        if request.path == "/self":
            self.visits = 1
        if request.path == "/nothing":
            return None
        if request.path in MISUSES:
            MISUSES[request.path][0](process)
        process.memory["hits"] = process.memory.get("hits", 0) + 1
        return f"{process.memory['hits']}\n"


def visit(story: Story, path: str = "/") -> Any:
    return story.cluster.http(f"http://{story.status('app')['podIP']}:8080{path}", from_node="node-1")


def test_a_learners_image_serves_and_counts_and_forks(story: Story) -> None:
    assert "Counts its visitors." in repr(story.cluster.images.add(Counter))
    story.pod("app", image="my/counter")
    story.run(3)
    assert [visit(story).body, visit(story).body] == ["1\n", "2\n"]
    other = story.cluster.fork()
    assert visit(story).body == "3\n"
    assert other.http(f"http://{story.status('app')['podIP']}:8080/", from_node="node-1").body == "3\n"


@pytest.mark.parametrize(
    ("path", "words"),
    [
        ("/fail", "Counter: KeyError: 'no such visitor'"),
        ("/list", "process.memory['all'] is a list"),
        ("/self", "an image cannot keep visits on self"),
        ("/nothing", "http() gave a NoneType"),
        *((path, words) for path, (_, words) in MISUSES.items()),
    ],
)
def test_a_mistake_ends_the_container_with_one_line(story: Story, path: str, words: str) -> None:
    story.cluster.images.add(Counter)
    story.pod("app", image="my/counter")
    story.run(3)
    visit(story, path)
    story.run(0.5)
    last = story.main("app")["lastState"].get("terminated") or story.main("app")["state"]["terminated"]
    assert last["exitCode"] == 1
    assert words in last["message"]
    assert "Traceback" not in last["message"]


def _image(**facts: Any) -> type:
    return type("Mine", (Image,), {"name": "mine", **facts})


@pytest.mark.parametrize(
    ("image", "words"),
    [
        (object(), "takes a class derived from k8snb.Image"),
        (Counter(), "takes a class derived from k8snb.Image, not <Image my/counter>"),
        (_image(name=""), "Mine has no name"),
        (_image(name="Mine"), "in lower case"),
        (_image(name="mine:1.0"), "holds a tag"),
        (_image(versions="1.0"), "versions must be a tuple"),
        (_image(ports=8080), "ports must be a tuple, such as ports = (8080,)"),
        (_image(ports=(0,)), "ports must be a tuple"),
        (_image(http=lambda self, request: None), "http is called as http(self, process, request)"),
    ],
)
def test_what_cannot_be_an_image_is_refused_in_one_sentence(image: Any, words: str) -> None:
    with pytest.raises(ValueError, match=r"\w") as caught:
        Catalogue().with_image(image)
    assert words in str(caught.value)
    assert "\n" not in str(caught.value)


# -- nginx -----------------------------------------------------------------------------------------------------------


def configured(story: Story, conf: str) -> None:
    """A pod web of nginx with that configuration from a ConfigMap."""
    story.cluster.client.create(
        "configmaps", {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "conf"}, "data": {"default.conf": conf}}, "default"
    )
    story.pod("web", image="nginx:1.27", volumeMounts=[{"name": "conf", "mountPath": "/etc/nginx/conf.d"}],
              spec={"volumes": [{"name": "conf", "configMap": {"name": "conf"}}]})  # fmt: skip
    story.run(3)


def fetch(story: Story, path: str = "/", port: int = 80) -> tuple[int, str]:
    response = story.cluster.http(f"http://{story.status('web')['podIP']}:{port}{path}", from_node="node-1")
    return response.status, response.body


def test_nginx_does_what_its_mounted_configuration_says(story: Story) -> None:
    configured(story, """
        server {
          listen 8080 default_server;
          root /srv;
          location = /healthz { return 200 "ok\\n"; }
          location /old { return 301 /new; }
          location ~ \\.php$ { return 403; }
          location /who { default_type text/plain; return 200 "$hostname $uri $arg\\n"; }
        }
    """)  # fmt: skip
    assert fetch(story, "/healthz", 8080) == (200, "ok\n")
    assert fetch(story, "/old/page", 8080)[0] == 301
    assert fetch(story, "/x.php", 8080)[0] == 403
    assert fetch(story, "/who", 8080) == (200, "web /who \n")
    assert fetch(story, "/nothing", 8080)[0] == 404
    assert story.cluster.http(f"http://{story.status('web')['podIP']}:80/", from_node="node-1").error == "connection refused"


@pytest.mark.parametrize(
    ("conf", "words"),
    [
        ("server { listen 80; lisssten 81; }", 'unknown directive "lisssten" in /etc/nginx/conf.d/default.conf:1'),
        ("server { listen 80;", "unexpected end of file"),
        ("server { location / { proxy_pass http://nobody; } }", 'host not found in upstream "nobody"'),
    ],
)
def test_nginx_does_not_start_with_a_broken_configuration(story: Story, conf: str, words: str) -> None:
    configured(story, conf)
    assert words in story.cluster.kubectl("logs web").stdout + story.cluster.kubectl("logs web -p").stdout
    assert (story.main("web").get("lastState") or story.main("web")["state"])["terminated"]["exitCode"] == 1


def test_nginx_passes_requests_on_and_says_502_where_nobody_is(story: Story) -> None:
    run(story, "api", "k8snb/web:2", port=8080)
    story.run(3)
    configured(story, "upstream api { server api:8080; } server { listen 80; location /api/ { proxy_pass http://api/; } }")
    assert fetch(story, "/api/")[1] == "Hello from api, version 2\n"
    story.cluster.kubectl("delete pod api")
    assert fetch(story, "/api/")[0] == 502


def test_a_changed_configuration_counts_after_a_reload(story: Story) -> None:
    configured(story, 'server { listen 80; return 200 "one\n"; }')
    story.cluster.kubectl('patch configmap conf -p \'{"data":{"default.conf":"server { listen 80; return 200 two; }"}}\'')
    story.run(90)
    assert fetch(story)[1] == "one\n"
    assert "test is successful" in story.cluster.kubectl("exec web -- nginx -t").text
    story.cluster.kubectl("exec web -- nginx -s reload")
    assert fetch(story)[1] == "two"


def test_the_access_log_of_nginx_counts_bytes_of_the_body(story: Story) -> None:
    configured(story, 'server { listen 80; location = /ja { return 200 "こんにちは\\n"; } }')
    fetch(story, "/ja")
    fetch(story, "/nothing")
    story.cluster.http(f"http://{story.status('web')['podIP']}/ja", method="HEAD", from_node="node-1")
    log = [line.split('"')[1:3] for line in story.cluster.kubectl("logs web").text.splitlines() if "HTTP/1.1" in line]
    assert log == [["GET /ja HTTP/1.1", " 200 16 "], ["GET /nothing HTTP/1.1", " 404 153 "], ["HEAD /ja HTTP/1.1", " 200 0 "]]


# -- data ------------------------------------------------------------------------------------------------------------


def test_redis_keeps_values_as_long_as_its_directory(story: Story) -> None:
    story.pod("cache", image="redis:7", volumeMounts=[{"name": "data", "mountPath": "/data"}],
              spec={"volumes": [{"name": "data", "emptyDir": {}}]})  # fmt: skip
    story.run(3)
    assert sh(story, "cache", "redis-cli set user ann; redis-cli incr hits; redis-cli incr hits; redis-cli get user") == "OK\n1\n2\nann\n"
    sh(story, "cache", "kill 1")
    story.run(15)
    assert story.main("cache")["restartCount"] == 1
    assert sh(story, "cache", "redis-cli get user; redis-cli rpush l a b; redis-cli lrange l 0 -1; redis-cli lpush user x") == (
        "ann\n2\na\nb\nWRONGTYPE Operation against a key holding the wrong kind of value\n"
    )


def test_redis_reads_its_mounted_configuration_and_guards_its_password(story: Story) -> None:
    data = {"redis.conf": "maxmemory 2mb\nmaxmemory-policy allkeys-lru\nrequirepass secret\n"}
    story.cluster.client.create("configmaps", {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "c"}, "data": data}, "default")
    story.pod("redis", "redis-server", "/conf/redis.conf", image="redis:8.0.2", volumeMounts=[{"name": "c", "mountPath": "/conf"}],
              spec={"volumes": [{"name": "c", "configMap": {"name": "c"}}]})  # fmt: skip
    story.run(3)
    assert sh(story, "redis", "redis-cli get x") == "NOAUTH Authentication required.\n"
    assert sh(story, "redis", "redis-cli -a secret config get maxmemory") == "maxmemory\n2097152\n"


def test_the_guestbook_works_through_two_redises(story: Story) -> None:
    run(story, "redis-leader", "docker.io/redis:6.0.5", port=6379)
    run(story, "redis-follower", "us-docker.pkg.dev/google-samples/containers/gke/gb-redis-follower:v2", port=6379)
    run(story, "frontend", "us-docker.pkg.dev/google-samples/containers/gke/gb-frontend:v5", port=80)
    story.run(5)
    page = "http://frontend/guestbook.php?cmd="
    assert '"Updated"' in story.cluster.http(page + "set&key=messages&value=,Hi", from_pod="redis-leader").body
    assert ",Hi" in story.cluster.http(page + "get&key=messages", from_pod="redis-leader").body
    story.cluster.kubectl("delete pod redis-leader")
    assert story.cluster.http(page + "get&key=messages", from_pod="redis-follower").status == 500


def test_postgres_refuses_without_a_password_and_keeps_tables_with_one(story: Story) -> None:
    run(story, "db", "postgres:17")
    story.run(5)
    assert "superuser password is not specified" in story.cluster.kubectl("logs db").stdout
    run(story, "postgres", "postgres:17", port=5432, env={"POSTGRES_PASSWORD": "pw"})
    story.run(8)
    psql = "PGPASSWORD=pw psql -U postgres -h postgres -c "
    assert sh(story, "postgres", psql + "'create table t (id serial primary key, name text)'") == "CREATE TABLE\n"
    assert sh(story, "postgres", psql + "\"insert into t (name) values ('ann'), ('bob')\"") == "INSERT 0 2\n"
    assert sh(story, "postgres", psql + "'select * from t'") == " id | name \n----+------\n  1 | ann\n  2 | bob\n(2 rows)\n\n"
    assert 'relation "u" does not exist' in sh(story, "postgres", psql + "'select * from u'")
    assert "password authentication failed" in sh(story, "postgres", psql.replace("pw", "no", 1) + "'select 1'")
    assert "not authorized" in sh(story, "postgres", psql + "'select random()'"), "nothing may depend on chance"
    assert sh(story, "postgres", "pg_isready") == "/var/run/postgresql:5432 - accepting connections\n"


def test_mysql_likewise(story: Story) -> None:
    run(story, "mysql", "mysql:8.0", env={"MYSQL_ROOT_PASSWORD": "pw"})
    run(story, "bare", "mysql:8.0")
    story.run(14)
    assert "password option is not specified" in story.cluster.kubectl("logs bare").stdout + story.cluster.kubectl("logs bare -p").stdout
    ask = "mysql -uroot -ppw -e "
    assert sh(story, "mysql", ask + "'create table t (id int auto_increment primary key, n text)'") == ""
    assert sh(story, "mysql", ask + "\"insert into t (n) values ('a'); select id, n from t\"") == "id\tn\n1\ta\n"
    assert "Access denied for user 'root'" in sh(story, "mysql", "mysql -uroot -pno -e 'select 1'")


def test_votes_travel_from_the_page_to_the_result(story: Story) -> None:
    run(story, "redis", "redis:alpine", port=6379)
    run(story, "db", "postgres:15-alpine", port=5432, env={"POSTGRES_PASSWORD": "postgres"})
    run(story, "vote", "dockersamples/examplevotingapp_vote", port=80)
    run(story, "result", "dockersamples/examplevotingapp_result", port=80)
    run(story, "worker", "dockersamples/examplevotingapp_worker")
    story.run(12)
    for choice in "aab":
        assert story.cluster.http(f"http://vote/?vote={choice}", from_pod="worker").status == 200
    story.run(3)
    assert story.cluster.http("http://result/", from_pod="worker").body == "<h1>a: 2 b: 1 of 3 votes</h1>\n"


def test_the_shop_needs_its_migration_first(story: Story) -> None:
    env = {"POSTGRES_PASSWORD": "pw"}
    own = {"DATABASE_PASSWORD": "pw"}
    run(story, "postgres", "postgres:17", port=5432, env=env)
    story.run(8)
    run(story, "shop-api", "k8snb/shop-api:1", port=8080, env=own)
    run(story, "shop-web", "k8snb/shop-web:1", port=8080)
    story.run(3)
    logs = story.cluster.kubectl("logs shop-api").stdout + story.cluster.kubectl("logs shop-api -p").stdout
    assert 'fatal: relation "items" does not exist (has the migration run?)' in logs
    assert story.cluster.http("http://shop-web:8080/", from_pod="postgres").status == 502
    run(story, "migrate", "k8snb/shop-migrate:1", env=own, restartPolicy="Never")
    story.run(30)
    assert story.status("migrate")["phase"] == "Succeeded"
    assert "<li>teapot</li>" in story.cluster.http("http://shop-web:8080/", from_pod="postgres").body


# -- the others ------------------------------------------------------------------------------------------------------


def test_stress_uses_what_it_is_told_and_dies_of_it(story: Story) -> None:
    args = ("stress", "--vm", "1", "--vm-bytes", "150M", "--vm-hang", "1")
    story.pod("fits", *args, image="polinux/stress", resources={"limits": {"memory": "200Mi"}})
    story.pod("dies", *args, image="polinux/stress", resources={"limits": {"memory": "100Mi"}})
    story.run(5)
    assert story.main("fits")["restartCount"] == 0
    assert (story.main("dies").get("lastState") or story.main("dies")["state"])["terminated"]["reason"] == "OOMKilled"


def test_the_pi_job_prints_pi(story: Story) -> None:
    story.pod("pi", "perl", "-Mbignum=bpi", "-wle", "print bpi(2000)", image="perl:5.34.0", spec={"restartPolicy": "Never"})
    story.run(15)
    assert story.status("pi")["phase"] == "Succeeded"
    printed = story.cluster.kubectl("logs pi").stdout
    assert printed.startswith("3.14159265358979323846264338327950288")
    assert len(printed) == 2002


def test_agnhost_is_many_programs(story: Story) -> None:
    run(story, "net", "registry.k8s.io/e2e-test-images/agnhost:2.53", "netexec", port=8080)
    run(story, "sick", "registry.k8s.io/e2e-test-images/agnhost:2.40", "liveness")
    story.run(4)
    ip = story.status("sick")["podIP"]
    assert story.cluster.http("http://net:8080/echo?msg=hi", from_pod="net").body == "hi"
    assert story.cluster.http(f"http://{ip}:8080/healthz", from_pod="net").status == 200
    story.run(10)
    assert story.cluster.http(f"http://{ip}:8080/healthz", from_pod="net").status == 500
    assert story.cluster.kubectl("exec net -- /agnhost connect net:8080 --timeout 1s").exit_code == 0


def test_python_serves_its_directory(story: Story) -> None:
    story.pod("files", "sh", "-c", "mkdir -p /srv && echo hello > /srv/a.txt && cd /srv && sleep 99", image="python:3.12")
    story.pod("web", "python", "-m", "http.server", "8000", image="python:3.12", workingDir="/etc")
    story.run(5)
    assert story.cluster.http(f"http://{story.status('web')['podIP']}:8000/hostname", from_node="node-1").body == "web\n"


def test_localhost_is_shared_by_the_containers_of_a_pod(story: Story) -> None:
    story.create({
        "metadata": {"name": "two"},
        "spec": {"nodeName": "node-1", "containers": [{"name": "web", "image": "nginx"},
                 {"name": "side", "image": "busybox", "command": ["sleep", "999"]}]},
    })  # fmt: skip
    story.run(4)
    found = story.cluster.kubectl("exec two -c side -- wget -qO- http://localhost").stdout
    assert "Welcome to nginx!" in found
    refused = story.cluster.kubectl("exec two -c side -- wget -qO- http://localhost:81").text
    assert "can't connect to remote host (127.0.0.1): Connection refused" in refused


def test_every_image_of_the_catalogue_runs_for_a_minute_and_ends() -> None:
    cluster = Cluster(nodes=4)
    for number, image in enumerate(IMAGES):
        cluster.kubectl(["run", f"p{number}", f"--image={image.name}:{image.versions[0]}"])
    cluster.run_for(60)
    states = {pod["metadata"]["name"]: pod["status"]["containerStatuses"][0] for pod in cluster.get("pods")}
    told = {name: (state.get("lastState") or state["state"]).get("terminated", {}).get("message", "") for name, state in states.items()}
    assert not [message for message in told.values() if "Error:" in message and "superuser" not in message]
    cluster.kubectl("delete pods --all")
    assert cluster.run_until(lambda c: not c.get("pods"), 40)


MAIN, ONE, TWO = "/etc/nginx/nginx.conf", "/etc/nginx/a.conf", "/etc/nginx/b.conf"


@pytest.mark.parametrize(
    ("files", "words"),
    [
        ({MAIN: "http {\n  include ;\n}"}, f'invalid number of arguments in "include" directive in {MAIN}:2'),
        (
            {MAIN: "http { include a.conf; }", ONE: "include b.conf;", TWO: "include a.conf;"},
            f'open() "{ONE}" failed (24: Too many open files)',
        ),
    ],
)
def test_nginx_refuses_includes_that_lead_nowhere_in_its_own_words(files: dict[str, str], words: str) -> None:
    with pytest.raises(nginx_conf.ConfigError) as refused:
        nginx_conf.configuration(nginx_conf.texts(lambda pattern: [(pattern, files[pattern])] if pattern in files else []))
    assert str(refused.value) == words
