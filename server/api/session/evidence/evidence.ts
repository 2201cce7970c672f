import type { EventView, PushView } from '#contract';
import type { Clock } from '#domain';
import type { Sandbox, SandboxEvent } from '#sandbox';
import { LabLog } from './lab-log.ts';
import { PushLedger } from './push-ledger.ts';
import { TrafficHistory } from './traffic-history.ts';

/** What the session keeps of a running mesh for the views of evidence. */
export interface Evidence {
  /** Of the present mesh. */
  readonly traffic: TrafficHistory;
  readonly log: LabLog;
  /** What the proxies of the present mesh were sent. */
  readonly ledger: PushLedger;
  /** A new mesh: its traffic begins anew, the lab's log goes on. Returns the function that ends it. */
  follow(sandbox: Sandbox): () => void;
  heard(event: SandboxEvent): void;
  pushed(push: PushView): void;
  note(event: Pick<EventView, 'reason' | 'message'> & Partial<EventView>): void;
}

export function createEvidence(clock: Clock): Evidence {
  return new SessionEvidence(clock);
}

const CERTIFICATE_LOG = /^\S+\t(info|warn)\tcache\t(.+)$/;

class SessionEvidence implements Evidence {
  readonly log = new LabLog();
  traffic = new TrafficHistory();
  ledger = new PushLedger();
  readonly #clock: Clock;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  follow(sandbox: Sandbox): () => void {
    this.traffic = new TrafficHistory();
    this.ledger = new PushLedger();
    return sandbox.hops.onRequest((request) => this.traffic.note(request));
  }

  heard(event: SandboxEvent): void {
    if (event.type === 'log') this.#agentSaid(event.source, event.line);
    else if (event.type === 'push') this.ledger.note(event.push);
    else if (event.type === 'object' && event.change === 'DELETED' && event.object.kind === 'Pod') {
      const { name, namespace = '' } = event.object.metadata;
      this.ledger.forget(`${name}.${namespace}`);
    }
  }

  pushed({ number, title, proxies, effectiveMs }: PushView): void {
    const refused = proxies.filter(({ state }) => state === 'nacked');
    const reach = `${proxies.length} ${proxies.length === 1 ? 'proxy' : 'proxies'}`;
    const name = `push ${number} (${title})`;
    if (refused.length > 0) {
      for (const { pod, error } of refused)
        this.note({
          type: 'Warning',
          reason: 'PushRefused',
          object: `Pod/${pod}`,
          by: 'istiod',
          message: `${name}: ${error}`,
        });
    } else if (proxies.length === 0) {
      this.note({
        reason: 'NothingSent',
        by: 'istiod',
        message: `${name} is stored; no proxy was sent anything for it`,
      });
    } else if (effectiveMs === undefined) {
      this.note({ reason: 'PushSent', by: 'istiod', message: `${name} is on its way to ${reach}` });
    } else {
      const after = `after ${Math.round(effectiveMs)} ms`;
      this.note({ reason: 'PushInForce', by: 'istiod', message: `${name} is in force at ${reach} ${after}` });
    }
  }

  note(event: Pick<EventView, 'reason' | 'message'> & Partial<EventView>): void {
    this.log.note(this.#clock.now(), event);
  }

  /** Lines of the agents about certificates: new ones, and those that the CA did not give. */
  #agentSaid(source: string, line: string): void {
    const [, level, text] = CERTIFICATE_LOG.exec(line) ?? [];
    if (text === undefined || !/certificate|CSR/.test(text)) return;
    const warns = level === 'warn';
    this.note({
      type: warns ? 'Warning' : 'Normal',
      reason: warns ? 'CertificateRefused' : 'CertificateIssued',
      object: `Pod/${source.split('/')[1] ?? source}`,
      namespace: source.split('/')[0] ?? '',
      by: 'agent',
      message: text,
    });
  }
}
