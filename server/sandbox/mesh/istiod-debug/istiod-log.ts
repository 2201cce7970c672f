import { type PushEvent, typeUrls } from '#xds';
import { proxyName } from './connections.ts';
import { shortNames } from './istiod-metrics.ts';

/** From the fullest to none. */
const LEVELS = ['debug', 'info', 'warn', 'error', 'none'] as const;
export type LogLevel = (typeof LEVELS)[number];

export const isLogLevel = (text: unknown): text is LogLevel => LEVELS.some((level) => level === text);

/** A part of istiod that logs by its own level; its fields bear the names that istioctl reads. */
export interface LogScope {
  readonly name: string;
  readonly description: string;
  output_level: LogLevel;
  stack_trace_level: LogLevel;
  log_callers: boolean;
}

/** Source: the calls of RegisterScope in what istio's pilot-discovery is built of. */
const SCOPES: Readonly<Record<string, string>> = {
  ads: 'ads debugging',
  analysis: 'Scope for configuration analysis runtime',
  authn: 'authn debugging',
  authorization: 'Istio Authorization Policy',
  ca: 'ca client',
  controllers: 'common controller logic',
  default: 'Unscoped logging messages.',
  delta: 'delta xds debugging',
  file: 'File client messages',
  gateway: 'gateway-api controller',
  grpcgen: 'xDS Generator for Proxyless gRPC',
  'ip-autoallocate': 'IP autoallocate controller',
  klog: '',
  krt: '',
  kube: 'kubernetes service registry controller',
  model: 'model',
  monitoring: 'metrics monitoring',
  pkica: 'Citadel CA log',
  pkira: 'Istiod RA log',
  processing: 'Scope for configuration processing runtime',
  push: 'logs details about why Istio is triggering a push',
  rootcertrotator: 'Self-signed CA root cert rotator log',
  secretcontroller: 'Citadel kubernetes controller log',
  security: 'security debugging',
  serverca: 'Citadel server log',
  serviceentry: 'ServiceEntry registry',
  spiffe: 'SPIFFE library logging',
  status: 'status reporting',
  'tag-watcher': 'Revision tags watcher',
  trustBundle: 'Workload mTLS trust bundle logs',
  untaint: 'CNI node-untaint controller',
  validation: 'CRD validation debugging',
  validationController: 'validation webhook controller',
  validationServer: 'validation webhook server',
  wasm: '',
  wle: 'wle controller debugging',
};

const BYTE_UNITS = ['kB', 'MB', 'GB'];

/** What istiod tells of itself, as far as the levels of its scopes let it. */
export class IstiodLog {
  readonly #print: (line: string) => void;
  readonly scopes: ReadonlyMap<string, LogScope> = new Map(
    Object.entries(SCOPES).map(([name, description]) => [
      name,
      { name, description, output_level: 'info', stack_trace_level: 'none', log_callers: false },
    ]),
  );

  /** The proxies that had clusters of this version. */
  readonly #full = new Set<string>();
  #versionInfo = '';

  constructor(print: (line: string) => void) {
    this.#print = print;
  }

  /** `level⇥scope⇥message`, or `level⇥message` of the default scope. */
  readonly write = (line: string): void => {
    const [level, scope = ''] = line.split('\t', 2);
    if (this.#tells(this.scopes.has(scope) ? scope : 'default', level)) this.#print(line);
  };

  /** Source: pushDeltaXds and shouldRespondDelta of istio's pilot/pkg/xds/delta.go; pushXds of xdsgen.go. */
  pushed({ nodeId, typeUrl, variant, state, nonce, versionInfo, resources, removed, bytes }: PushEvent): void {
    const isDelta = variant !== 'state of the world';
    const scope = isDelta ? 'delta' : 'ads';
    const short = (shortNames[typeUrl] ?? typeUrl).toUpperCase();
    // A refusal is told by the control plane.
    if (state === 'acked' && this.#tells(scope, 'debug'))
      this.#print(`debug\t${scope}\tADS:${short}: ACK ${proxyName(nodeId)} ${nonce}`);
    if (state !== 'sent') return;
    const level = this.#isOfEndpointsOnly(nodeId, typeUrl, versionInfo) ? 'debug' : 'info';
    if (!this.#tells(scope, level)) return;
    const gone = isDelta ? ` removed:${removed.length}` : '';
    const more = this.#tells(scope, 'debug') ? ` nonce:${nonce} version:${versionInfo}` : '';
    this.#print(
      `${level}\t${scope}\t${short}: PUSH for node:${proxyName(nodeId)} resources:${resources.length}${gone} size:${byteCount(bytes)}${more}`,
    );
  }

  /** istiod is quiet about a push that is for endpoints alone: the proxy had no clusters before them. */
  #isOfEndpointsOnly(nodeId: string, typeUrl: string, versionInfo: string): boolean {
    if (this.#versionInfo !== versionInfo) this.#full.clear();
    this.#versionInfo = versionInfo;
    if (typeUrl === typeUrls.cluster) this.#full.add(nodeId);
    return typeUrl === typeUrls.endpoint && !this.#full.has(nodeId);
  }

  #tells(scope: string, level = 'error'): boolean {
    const least = this.scopes.get(scope)?.output_level ?? 'info';
    const rank = isLogLevel(level) ? LEVELS.indexOf(level) : LEVELS.indexOf('error');
    return rank >= LEVELS.indexOf(least);
  }
}

/** `812B`, `12.4kB`, as ByteCount of istio's pilot/pkg/networking/util. */
function byteCount(bytes: number): string {
  if (bytes < 1000) return `${bytes}B`;
  let size = bytes / 1000;
  let unit = 0;
  for (; size >= 1000 && unit < BYTE_UNITS.length - 1; unit++) size /= 1000;
  return `${size.toFixed(1)}${BYTE_UNITS[unit]}`;
}
