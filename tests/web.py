"""The application that stories about traffic are told with: three web servers, a Service before them, and a box to ask from."""

from __future__ import annotations

SERVERS = """
apiVersion: apps/v1
kind: Deployment
metadata: {{name: web}}
spec:
  replicas: 3
  selector: {{matchLabels: {{app: web}}}}
  template:
    metadata: {{labels: {{app: web}}}}
    spec:
      containers:
      - name: web
        image: "{image}"
        ports: [{{name: http, containerPort: 8080}}]
        {container}
---
apiVersion: v1
kind: Service
metadata: {{name: web}}
spec: {{type: {service}, selector: {{app: web}}, ports: [{{port: 80, targetPort: http}}]}}
"""
BOX = """---
apiVersion: v1
kind: Pod
metadata: {name: box, labels: {app: box}}
spec: {containers: [{name: box, image: "busybox:1.36", command: [sleep, "360000"]}]}
"""
PROBED = "readinessProbe: {httpGet: {path: /healthz, port: 8080}}"


def servers(*, image: str = "k8snb/web:1", container: str = PROBED, service: str = "ClusterIP") -> str:
    """The servers and their Service. ``container`` is more lines of the container, ``service`` the Service's type."""
    return SERVERS.format(image=image, container=container.replace("\n", "\n        "), service=service)


WEB = servers() + BOX
