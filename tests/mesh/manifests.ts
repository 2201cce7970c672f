/** A namespace `default` whose pods get a sidecar. */
export const INJECTED_DEFAULT =
  'apiVersion: v1\nkind: Namespace\nmetadata: { name: default, labels: { istio-injection: enabled } }\n---';

export interface Workload {
  readonly name: string;
  readonly image: string;
  /** Where its container listens. */
  readonly port: number;
  readonly env?: Readonly<Record<string, string>>;
  readonly service: { readonly name: 'http' | 'tcp'; readonly port: number };
}

/** A Deployment of one pod with its Service, in the namespace default, as documents of a manifest. */
export const workload = ({ name, image, port, env = {}, service }: Workload): string => `
apiVersion: apps/v1
kind: Deployment
metadata: { name: ${name}, namespace: default }
spec:
  selector: { matchLabels: { app: ${name} } }
  template:
    metadata: { labels: { app: ${name} } }
    spec:
      containers:
        - name: main
          image: ${image}
          ports: [{ containerPort: ${port} }]
          env: ${JSON.stringify(Object.entries(env).map(([key, value]) => ({ name: key, value })))}
---
apiVersion: v1
kind: Service
metadata: { name: ${name}, namespace: default }
spec:
  selector: { app: ${name} }
  ports: [{ name: ${service.name}, port: ${service.port}, targetPort: ${port} }]
---`;
