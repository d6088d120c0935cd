"""Generators of ``kubectl create``: deployments, jobs, configuration, services and ingresses.

Each row of ``GENERATORS``: names, a sentence, the function that makes the object, what stands before a refusal, flags.
"""

from __future__ import annotations

from k8snb.apimachinery.validation import dns_subdomain
from k8snb.kubectl import generate
from k8snb.kubectl.api import Json
from k8snb.kubectl.builder import words
from k8snb.kubectl.call import Call
from k8snb.kubectl.flags import Flag, boolean
from k8snb.kubectl.result import Failure, usage_error


def given_namespace(call: Call) -> str:
    """The namespace that the command line names; nothing where it is only the default."""
    return call.namespace if call.enforced else ""


def name_and_command(call: Call) -> tuple[str, list[str]]:
    """NAME [-- COMMAND ...]."""
    count = call.values.dash if call.values.dash >= 0 else len(call.args)
    if count != 1:
        raise usage_error(call.path, f"exactly one NAME is required, got {count}")
    return call.args[0], call.args[1:]


def _deployment(call: Call) -> Json:
    name, command = name_and_command(call)
    return generate.deployment(
        name, given_namespace(call), images=call.flag("image"), replicas=call.flag("replicas"), port=call.flag("port"), command=command
    )


def _job(call: Call) -> Json:
    name, command = name_and_command(call)
    image, origin = call.flag("image"), call.flag("from")
    if bool(image) == bool(origin):
        raise Failure("either --image or --from must be specified")
    if not origin:
        return generate.job(name, given_namespace(call), image, command)
    if command:
        raise Failure("cannot specify --from and command")
    word = words(call, [origin])[0]
    if not word.name:
        raise Failure("resource(s) were provided, but no name was specified")
    if word.kind.kind != "CronJob":
        raise Failure(f"unknown object type *v1.{word.kind.kind}")
    return generate.job_from(call.api.get(word.kind, call.namespace, word.name), name, given_namespace(call))


def _cron_job(call: Call) -> Json:
    name, command = name_and_command(call)
    if not call.flag("image"):
        raise Failure("--image must be specified")
    flags = {key: call.flag(key) for key in ("image", "schedule", "restart")}
    return generate.cron_job(name, given_namespace(call), command=command, **flags)


# -- configuration -----------------------------------------------------------------------------------------------------------

HASH = boolean("append-hash")
FROM = (HASH, Flag("from-literal", kind="array"), Flag("from-file", kind="array"), Flag("from-env-file", kind="array"))


def entries(call: Call, what: str) -> dict[str, str]:
    """What ``--from-literal``, ``--from-file`` and ``--from-env-file`` give together."""
    if call.flag("from-env-file") and (call.flag("from-file") or call.flag("from-literal")):
        raise Failure("from-env-file cannot be combined with from-file or from-literal")
    found = generate.literals(call.flag("from-literal"), what, call.args[0])
    for source in call.flag("from-file"):
        key, equals, path = source.partition("=")
        path = path if equals else key
        generate.add_key(found, key if equals else path.rsplit("/", 1)[-1], read(call, path), what, call.args[0])
    for path in call.flag("from-env-file"):
        for key, value in generate.env_file(read(call, path)).items():
            generate.add_key(found, key, value, what, call.args[0])
    return found


def read(call: Call, path: str) -> str:
    """The text of a file that a flag names."""
    given = dict(call.inputs.files)
    if path in given:
        return given[path]
    try:
        return call.host.read(path)
    except OSError as problem:
        reason = problem.strerror or "no such file or directory"
        raise Failure(f"error reading {path}: {reason[0].lower()}{reason[1:]}") from None


def _read_pem(call: Call, path: str) -> str:
    try:
        return read(call, path)
    except Failure:
        raise Failure(f"Cannot read file {path}, open {path}: no such file or directory") from None


def _config_map(call: Call) -> Json:
    name = call.exactly_one_name()
    return _hashed(call, generate.config_map(name, given_namespace(call), entries(call, "ConfigMap")))


def _secret(call: Call) -> Json:
    name = call.exactly_one_name()
    return _hashed(call, generate.secret(name, given_namespace(call), entries(call, "Secret"), call.flag("type")))


def _hashed(call: Call, made: Json) -> Json:
    return generate.with_hash(made) if call.flag("append-hash") else made


def _tls(call: Call) -> Json:
    if not call.flag("key") or not call.flag("cert"):
        raise Failure("key and cert must be specified")
    data = {"tls.crt": _read_pem(call, call.flag("cert")), "tls.key": _read_pem(call, call.flag("key"))}
    return _hashed(call, generate.secret(call.exactly_one_name(), given_namespace(call), data, "kubernetes.io/tls"))


def _docker(call: Call) -> Json:
    if not call.flag("docker-username") or not call.flag("docker-password"):
        raise Failure("either --from-file or the combination of --docker-username, --docker-password and --docker-server is required")
    text = generate.docker_config(*(call.flag(f"docker-{key}") for key in ("server", "username", "password", "email")))
    kind, name = "kubernetes.io/dockerconfigjson", call.exactly_one_name()
    return _hashed(call, generate.secret(name, given_namespace(call), {".dockerconfigjson": text}, kind))


# -- services ----------------------------------------------------------------------------------------------------------------


def _service(kind: str) -> object:
    def make(call: Call) -> Json:
        name, ip, external = call.exactly_one_name(), call.flag("clusterip", ""), call.flag("external-name", "")
        tcp = call.flag("tcp", ())
        if kind != "ExternalName" and not tcp and ip != "None":
            raise Failure("at least one tcp port specifier must be provided")
        if kind == "ExternalName" and dns_subdomain(external):
            raise Failure(f"invalid service external name {external}")
        ports = generate.service_ports(tcp, call.flag("node-port", 0))
        return generate.service(name, given_namespace(call), kind, ports=ports, cluster_ip=ip, external_name=external)

    return make


def _ingress(call: Call) -> Json:
    name, rules, default = call.exactly_one_name(), call.flag("rule"), call.flag("default-backend")
    if not rules and not default:
        raise Failure("not enough information provided: every ingress has to either specify a default-backend (which catches all traffic) "
                      "or a list of rules (which catch specific paths)")  # fmt: skip
    notes, namespace = call.flag("annotation"), given_namespace(call)
    return generate.ingress(name, namespace, rules=rules, class_name=call.flag("class"), default=default, annotations=notes)


_TCP = Flag("tcp", kind="strings")
_IMAGE = Flag("image")
GENERATORS = (
    (("deployment", "deploy"), "Create a deployment with the specified name", _deployment, "failed to create deployment: ",
     (Flag("image", kind="strings", required=True), Flag("replicas", "r", "int", 1), Flag("port", kind="int", default=-1))),
    (("job",), "Create a job with the specified name", _job, "failed to create job: ", (_IMAGE, Flag("from"))),
    (("cronjob", "cj"), "Create a cron job with the specified name", _cron_job, "failed to create cronjob: ",
     (Flag("image", required=True), Flag("schedule", required=True), Flag("restart"))),
    (("configmap", "cm"), "Create a config map from a local file, directory or literal value", _config_map,
     "failed to create configmap: ", FROM),
    (("generic",), "Create a secret from a local file, directory, or literal value", _secret, "failed to create secret ",
     (*FROM, Flag("type"))),
    (("tls",), "Create a TLS secret", _tls, "failed to create secret ", (HASH, Flag("key"), Flag("cert"))),
    (("docker-registry",), "Create a secret for use with a Docker registry", _docker, "failed to create secret ",
     (HASH, Flag("docker-server", default="https://index.docker.io/v1/"), Flag("docker-username"), Flag("docker-password"),
      Flag("docker-email"))),
    (("clusterip",), "Create a ClusterIP service", _service("ClusterIP"), "failed to create TYPE service: ", (_TCP, Flag("clusterip"))),
    (("nodeport",), "Create a NodePort service", _service("NodePort"), "failed to create TYPE service: ",
     (_TCP, Flag("node-port", kind="int"))),
    (("loadbalancer",), "Create a LoadBalancer service", _service("LoadBalancer"), "failed to create TYPE service: ", (_TCP,)),
    (("externalname",), "Create an ExternalName service", _service("ExternalName"), "failed to create TYPE service: ",
     (_TCP, Flag("external-name", required=True))),
    (("ingress", "ing"), "Create an ingress with the specified name", _ingress, "failed to create ingress: ",
     (Flag("rule", kind="array"), Flag("class"), Flag("default-backend"), Flag("annotation", kind="array"))),
)  # fmt: skip
