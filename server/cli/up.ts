import { writeFile } from 'node:fs/promises';
import { parseArgs } from 'node:util';
import { type Diagnostic, errorMessage, MeshworkError, seededRandom } from '#domain';
import { createEnvoyProxy, findEnvoy } from '#envoy';
import { createSandbox, hostPort, type Sandbox, type SandboxEvent, type SandboxOptions } from '#sandbox';
import { type KeyHost, readKeyHost } from '#sandbox/key-host';
import { leaseSubnet } from '#sandbox/subnets';
import { createSpanExporter, type SpanExporter, type SpanFormat } from '#telemetry';
import { type CliCommand, type CliIo, readFiles, UsageError } from './command.ts';
import { outliveFaults } from './faults.ts';

/** A mesh of one's own may be larger than a lab. */
const LIMITS = { pods: 1000, objects: 20_000 } as const;

const options = {
  filename: { type: 'string', short: 'f', multiple: true, default: [] as string[] },
  'kubeconfig-out': { type: 'string' },
  'mesh-config': { type: 'string' },
  namespace: { type: 'string', short: 'n', default: 'default' },
  'no-ingress': { type: 'boolean', default: false },
  'jwks-host': { type: 'string', multiple: true, default: [] as string[] },
  'otlp-endpoint': { type: 'string', multiple: true, default: [] as string[] },
  'zipkin-endpoint': { type: 'string', multiple: true, default: [] as string[] },
  proxy: { type: 'string', default: 'meshwork' },
  verbose: { type: 'boolean', short: 'v', default: false },
} as const;

/** On a pod (`envoy`, `meshwork`): which proxy it gets, whatever `--proxy` says. */
const PROXY_ANNOTATION = 'meshwork.dev/proxy';

/** `meshwork up`: a mesh without the site, until a signal comes. */
export const upCommand: CliCommand = {
  name: 'up',
  summary: `Starts a mesh on this machine and applies the files; serves the Kubernetes API for kubectl, istioctl and other clients.
When it is ready it prints one line of JSON: {api, kubeconfig, gateways, pods}. It ends with SIGINT or SIGTERM.

  -f FILE                 manifests to apply; may be given again; - reads standard input
  -n NAMESPACE            namespace of objects that name none (default)
  --kubeconfig-out FILE   writes the kubeconfig there; "kubeconfig" is then this path, else the text itself
  --mesh-config FILE      MeshConfig as YAML
  --no-ingress            no istio-ingressgateway
  --jwks-host HOST        istiod may fetch keys of JWT issuers from this host outside (https://HOST, http://HOST:PORT, HOST=ADDRESS)
  --otlp-endpoint URL     sends sampled spans to this collector, OTLP over HTTP (http://127.0.0.1:4318)
  --zipkin-endpoint URL   sends sampled spans to this collector, Zipkin v2 (http://127.0.0.1:9411)
  --proxy envoy           a real Envoy in the place of each proxy; it must be on PATH. Annotation ${PROXY_ANNOTATION}: envoy does it for one pod
  -v                      tells on standard error what happens`,
  usage: 'meshwork up [-f FILE…] [--kubeconfig-out FILE] [--mesh-config FILE] [-n NAMESPACE]',
  run: async (args, io) => {
    const { values, positionals } = parseArgs({ args: [...args], options, allowPositionals: true });
    if (positionals.length > 0) throw new UsageError(`${positionals[0]} is not a flag; files are named with -f`);
    const files = await readFiles(values.filename, io);
    const [meshConfig] = values['mesh-config'] === undefined ? [] : await readFiles([values['mesh-config']], io);
    const keyHosts = values['jwks-host'].map(keyHostOf);
    const proxyFor = proxiesOf(values.proxy);
    const lease = await leaseSubnet(seededRandom(`${process.pid}/${performance.timeOrigin}`));
    const exporters = [
      ...exportersTo('otlp', values['otlp-endpoint'], io),
      ...exportersTo('zipkin', values['zipkin-endpoint'], io),
    ];
    const sandbox = createSandbox({
      subnet: lease.subnet,
      keyHosts,
      proxyFor,
      tellsEntries: values.verbose,
      // Collectors outlive the mesh: the ids of its spans must not come a second time.
      seed: exporters.length === 0 ? 'up' : `up/${process.pid}/${performance.timeOrigin}`,
      clock: io.clock,
      limits: LIMITS,
      onEvent: (event) => {
        if (event.type === 'hop') for (const exporter of exporters) exporter.export(event.hop);
        tell(event, values.verbose, io);
      },
    });
    const letFaultsEnd = outliveFaults(process, (line) => io.err(`meshwork up: ${line}`));
    try {
      await sandbox.start([], {
        ingress: !values['no-ingress'],
        announcesApi: true,
        ...(meshConfig === undefined ? {} : { meshConfig: meshConfig.text }),
      });
      const api = await sandbox.serveApi();
      if (!(await applied(sandbox, files, { namespace: values.namespace, io }))) return 1;
      const kubeconfig = await handOut(api, values['kubeconfig-out']);
      io.out(JSON.stringify({ ...kubeconfig, gateways: sandbox.gateways, pods: podsOf(sandbox) }));
      await aborted(io.signal);
      return 0;
    } finally {
      await sandbox.stop();
      for (const exporter of exporters) await exporter.stop();
      await lease.release();
      letFaultsEnd();
    }
  },
};

function keyHostOf(text: string): KeyHost {
  try {
    return readKeyHost(text);
  } catch (cause) {
    throw new UsageError(errorMessage(cause));
  }
}

/** Which pods get a real Envoy. Throws UsageError for a proxy that is unknown, or not to be found. */
function proxiesOf(wanted: string): SandboxOptions['proxyFor'] {
  if (wanted !== 'meshwork' && wanted !== 'envoy')
    throw new UsageError(`--proxy takes envoy or meshwork, not "${wanted}"`);
  const program = findEnvoy();
  if (wanted === 'envoy' && program === undefined) throw new UsageError('--proxy envoy: there is no envoy on PATH');
  const make = program === undefined ? undefined : createEnvoyProxy({ program, hostPort });
  return ({ metadata }) => {
    const asked = metadata.annotations?.[PROXY_ANNOTATION] ?? wanted;
    if (asked !== 'envoy') return undefined;
    if (make === undefined)
      throw new MeshworkError('MW9314', `annotation ${PROXY_ANNOTATION}: there is no envoy on PATH`);
    return make;
  };
}

function exportersTo(format: SpanFormat, urls: readonly string[], io: CliIo): SpanExporter[] {
  return urls.map((url) => {
    if (!URL.canParse(url)) throw new UsageError(`--${format}-endpoint takes a URL, not "${url}"`);
    return createSpanExporter({ format, url, clock: io.clock, onLog: (line) => io.err(line) });
  });
}

/** Applies the files and waits until what they ask for runs. False when one of them is refused. */
async function applied(
  sandbox: Sandbox,
  files: readonly { readonly file: string; readonly text: string }[],
  { namespace, io }: { readonly namespace: string; readonly io: CliIo },
): Promise<boolean> {
  if (files.length === 0) return true;
  const outcome = await sandbox.apply(files, { namespace });
  for (const diagnostic of outcome.diagnostics) {
    if (!outcome.accepted ? diagnostic.severity === 'error' : diagnostic.severity !== 'info') io.err(line(diagnostic));
  }
  if (!outcome.accepted) return false;
  await sandbox.ready().catch((error: unknown) => {
    if (!(error instanceof MeshworkError)) throw error;
    io.err(`meshwork up: ${errorMessage(error)}; it goes on`);
  });
  return true;
}

/** `shop.yaml:12: error IST0106: Service shop/cart spec.ports: Required value` */
function line({ severity, code, message, location, origin }: Diagnostic): string {
  const object = origin === undefined ? '' : `${origin.kind} ${origin.namespace}/${origin.name} `;
  const path = origin === undefined || origin.path === '' || message.includes(origin.path) ? '' : `${origin.path}: `;
  return `${location?.file ?? ''}:${location?.line ?? ''}: ${severity} ${code}: ${object}${path}${message}`;
}

async function handOut(
  api: { readonly url: string; readonly kubeconfig: string },
  file: string | undefined,
): Promise<{ readonly api: string; readonly kubeconfig: string }> {
  if (file === undefined) return { api: api.url, kubeconfig: api.kubeconfig };
  // It holds a token.
  await writeFile(file, api.kubeconfig, { mode: 0o600 });
  return { api: api.url, kubeconfig: file };
}

function podsOf(sandbox: Sandbox): Record<string, object> {
  const shown = sandbox.pods.map(({ namespace, name, ip, labels, containers, appListeners, proxy }) => {
    const counted = containers.filter(({ kind }) => kind !== 'init');
    const facts = {
      ip,
      ready: `${counted.filter(({ ready }) => ready).length}/${counted.length}`,
      ports: appListeners.map(({ port }) => port),
      labels,
      proxy: proxy !== undefined,
    };
    return [`${namespace}/${name}`, facts] as const;
  });
  return Object.fromEntries(shown);
}

function tell(event: SandboxEvent, verbose: boolean, io: CliIo): void {
  if (event.type === 'log' && (verbose ? true : event.source === 'sandbox')) io.err(`${event.source}\t${event.line}`);
  else if (verbose && event.type === 'step') io.err(`step\t${event.name} ${Math.round(event.ms)} ms`);
}

const aborted = (signal: AbortSignal): Promise<void> =>
  new Promise((resolve) => {
    if (signal.aborted) resolve();
    else signal.addEventListener('abort', () => resolve(), { once: true });
  });
