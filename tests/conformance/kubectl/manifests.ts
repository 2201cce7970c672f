/** An object as a manifest. */
export const manifest = (object: Record<string, unknown>): string => JSON.stringify(object);

/** A Deployment of two replicas, as YAML. */
export const deploymentYaml = (name: string, replicas = 2): string => `
apiVersion: apps/v1
kind: Deployment
metadata:
  name: ${name}
  labels: {app: ${name}}
spec:
  replicas: ${replicas}
  selector: {matchLabels: {app: ${name}}}
  template:
    metadata: {labels: {app: ${name}}}
    spec:
      containers:
      - {name: app, image: "nginx:1.27", ports: [{containerPort: 80}]}
`;

/** A VirtualService of one route, as YAML. */
export const virtualServiceYaml = (name: string, host = name): string => `
apiVersion: networking.istio.io/v1
kind: VirtualService
metadata: {name: ${name}}
spec:
  hosts: [${host}]
  http: [{route: [{destination: {host: ${host}}}]}]
`;

/** A Pod of one container, as YAML. */
export const podYaml = (name: string): string => `
apiVersion: v1
kind: Pod
metadata: {name: ${name}, labels: {app: ${name}}}
spec: {containers: [{name: app, image: "nginx:1.27"}]}
`;
