import type { ManifestFile } from '#sandbox';

/** An echo server that tells which it is, and its Service. */
const echo = (name: string, namespace = 'default'): string => `
apiVersion: v1
kind: Service
metadata: { name: ${name}, namespace: ${namespace} }
spec:
  selector: { app: ${name} }
  ports: [{ name: http, port: 80, targetPort: 3000 }]
---
apiVersion: apps/v1
kind: Deployment
metadata: { name: ${name}, namespace: ${namespace} }
spec:
  selector: { matchLabels: { app: ${name} } }
  template:
    metadata: { labels: { app: ${name} } }
    spec:
      containers:
        - name: echo
          image: gcr.io/k8s-staging-gateway-api/echo-basic:v1
          ports: [{ containerPort: 3000 }]
          env:
            - { name: SERVICE_NAME, value: ${name} }
            - { name: POD_NAME, valueFrom: { fieldRef: { fieldPath: metadata.name } } }
            - { name: NAMESPACE, valueFrom: { fieldRef: { fieldPath: metadata.namespace } } }
---
`;

/** Two versions of a shop, a shadow of it, another team's service that is not granted, and a Gateway of its own. */
export const shop: ManifestFile = {
  file: 'shop.yaml',
  text: `
apiVersion: v1
kind: Namespace
metadata: { name: other }
---
${['one', 'two', 'shadow'].map((name) => echo(name)).join('')}
${echo('far', 'other')}
apiVersion: gateway.networking.k8s.io/v1
kind: Gateway
metadata: { name: shop, namespace: default }
spec:
  gatewayClassName: istio
  listeners:
    - { name: http, port: 80, protocol: HTTP }
    - { name: alt, port: 8080, protocol: HTTP, hostname: "*.alt.example" }
`,
};

/** An HTTPRoute of the shop's Gateway; `rules` is YAML, indented as it stands. */
export const httpRoute = (name: string, host: string, rules: string): ManifestFile => ({
  file: `${name}.yaml`,
  text: `
apiVersion: gateway.networking.k8s.io/v1
kind: HTTPRoute
metadata: { name: ${name}, namespace: default }
spec:
  parentRefs: [{ name: shop }]
  hostnames: ["${host}"]
  rules:
${rules}
`,
});
