"""Certificate requests: who may approve them, and whom nobody may become."""

import base64

from k8snb.apimachinery.objects import put
from k8snb.apiserver.request import User

REQUESTS = "certificatesigningrequests.certificates.k8s.io"
JANE = User("jane", ("system:authenticated",))
RBAC = "rbac.authorization.k8s.io/v1"


def pem(content: bytes) -> str:
    text = f"-----BEGIN CERTIFICATE REQUEST-----\n{base64.b64encode(content).decode()}\n-----END CERTIFICATE REQUEST-----\n"
    return base64.b64encode(text.encode()).decode()


def ask(desk, signer="example.com/signer", content=b"\x30\x00"):
    spec = {"signerName": signer, "usages": ["client auth"], "request": pem(content)}
    return desk.create(REQUESTS, "CertificateSigningRequest", "jane", "", "certificates.k8s.io/v1", spec=spec)


def grant(desk, name, **rule):
    desk.create("clusterroles.rbac.authorization.k8s.io", "ClusterRole", name, "", RBAC, rules=[rule])
    role = {"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": name}
    subjects = [{"kind": "User", "name": "jane"}]
    desk.create("clusterrolebindings.rbac.authorization.k8s.io", "ClusterRoleBinding", name, "", RBAC, roleRef=role, subjects=subjects)


def test_a_request_says_who_asked(desk):
    assert ask(desk)["spec"]["username"] == "kubernetes-admin"


def test_approving_takes_a_right_on_the_signer(desk):
    made = ask(desk)
    approved = put(made, "status.conditions", [{"type": "Approved", "status": "True", "reason": "Test"}])
    grant(desk, "writer", apiGroups=["certificates.k8s.io"], resources=["certificatesigningrequests/approval"], verbs=["update"])
    jane = desk.client.as_user(JANE)
    message = desk.refusal(lambda: jane.update(REQUESTS, approved, subresource="approval"))
    assert message.endswith('user not permitted to approve requests with signerName "example.com/signer"')
    names = ["example.com/*"]
    grant(desk, "approver", apiGroups=["certificates.k8s.io"], resources=["signers"], verbs=["approve"], resourceNames=names)
    done = jane.update(REQUESTS, approved, subresource="approval")
    assert [c["type"] for c in done["status"]["conditions"]] == ["Approved"]


def test_nobody_joins_the_masters_by_a_certificate(desk):
    message = desk.refusal(lambda: ask(desk, "kubernetes.io/kube-apiserver-client", b"O=system:masters"))
    assert message.endswith("use of kubernetes.io/kube-apiserver-client signer with system:masters group is not allowed")
