import { createSandbox } from '#sandbox';
import { systemClock } from '../../server/system.ts';

/** What the process says once: where requests enter the mesh, and where the application of its one pod is expected to listen. */
export interface MeshAddresses {
  readonly ingress: { readonly ip: string; readonly port: number };
  readonly application: { readonly ip: string; readonly port: number };
  readonly pod: string;
}

// The process under test: a whole sandbox with an ingress gateway and one injected pod. Nobody listens for the pod's application:
// whoever measures starts a server on its hidden address. Arguments: the sandbox's subnet; `looked-at`: somebody looks at its requests.
const PORT = 8080;
/** Captured applications listen on their pod's address with this added to the third byte. */
const HIDDEN_OFFSET = 64;

const manifests = `
apiVersion: v1
kind: Namespace
metadata: { name: default, labels: { istio-injection: enabled } }
---
apiVersion: v1
kind: Service
metadata: { name: bench }
spec: { selector: { app: bench }, ports: [{ name: http, port: ${PORT} }] }
---
apiVersion: apps/v1
kind: Deployment
metadata: { name: bench }
spec:
  selector: { matchLabels: { app: bench } }
  template:
    metadata: { labels: { app: bench, version: v1 } }
    spec: { containers: [{ name: bench, image: meshwork/client, ports: [{ containerPort: ${PORT} }] }] }
---
apiVersion: networking.istio.io/v1
kind: Gateway
metadata: { name: door }
spec:
  selector: { istio: ingressgateway }
  servers: [{ port: { number: 8080, name: http, protocol: HTTP }, hosts: ["*"] }]
---
apiVersion: networking.istio.io/v1
kind: VirtualService
metadata: { name: bench }
spec:
  hosts: ["*"]
  gateways: [door]
  http:
    - route: [{ destination: { host: bench, port: { number: ${PORT} } } }]
`;

const sandbox = createSandbox({
  subnet: Number(process.argv[2]),
  seed: 'bench',
  clock: systemClock(),
  onEvent: () => undefined,
});
await sandbox.start([{ file: 'bench.yaml', text: manifests }], { ingress: true });
const pod = sandbox.pods.find(({ labels }) => labels['app'] === 'bench');
if (pod === undefined || sandbox.ingress === undefined) throw new Error('the mesh has no gateway or no pod');
if (process.argv[3] === 'looked-at') sandbox.hops.onRequest(() => undefined);
const [a, b, block, d] = pod.ip.split('.').map(Number);
const addresses: MeshAddresses = {
  ingress: sandbox.ingress,
  application: { ip: [a, b, block! + HIDDEN_OFFSET, d].join('.'), port: PORT },
  pod: pod.ip,
};
process.send?.(addresses);
process.on('disconnect', () => process.exit(0));
process.on('SIGTERM', () => process.exit(0));
