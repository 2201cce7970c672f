import { X509Certificate } from 'node:crypto';
import type { Clock, Random, Timer } from '#domain';
import { errorMessage, MeshworkError } from '#domain';
import type { CertificateSettings, CertificateSigner } from '../doors.ts';
import { createKeyAndRequest } from './csr.ts';
import type { SecretStore } from './secret-store.ts';

const FIRST_RETRY_MS = 100;
const MAX_RETRY_MS = 5000;
/** However short a certificate lives, or however far the CA's clock is behind. */
const MIN_ROTATION_MS = 500;
const GRACE_PERIOD_RATIO = 0.5;
/** Earlier or later by up to this share of the lifetime, so that workloads do not renew at once. */
const GRACE_PERIOD_JITTER = 0.01;
/** Node's longest timer; a certificate that lives longer is looked at again then. */
const MAX_TIMER_MS = 2_000_000_000;

export interface AgentOptions {
  readonly spiffeId: string;
  readonly signer: CertificateSigner;
  readonly token: () => string;
  readonly settings: CertificateSettings;
  readonly secrets: SecretStore;
  readonly clock: Clock;
  readonly random: Random;
  readonly onLog: (line: string) => void;
}

/** Istio's agent beside the proxy: makes the key, has it certified, feeds the proxy, renews in time. */
export class Agent {
  readonly #options: AgentOptions;
  #timer: Timer | undefined;
  #stopped = false;

  constructor(options: AgentOptions) {
    this.#options = options;
  }

  /** Resolves with the first certificate; tries again, ever more slowly, until `signal` is aborted. */
  async start(signal: AbortSignal): Promise<void> {
    let waitMs = FIRST_RETRY_MS;
    while (!signal.aborted && !this.#stopped) {
      try {
        return await this.#renew();
      } catch (thrown) {
        this.#log('warn', `failed to sign CSR: ${errorMessage(thrown)}`);
        await this.#wait(this.#options.random.next() * waitMs, signal);
        waitMs = Math.min(waitMs * 2, MAX_RETRY_MS);
      }
    }
    throw new MeshworkError('AGENT_STOPPED', 'the agent was stopped before it had a certificate');
  }

  stop(): void {
    this.#stopped = true;
    this.#timer?.cancel();
  }

  async #renew(): Promise<void> {
    const { clock, secrets, settings, signer, spiffeId, token } = this.#options;
    const { csrPem, keyPem } = createKeyAndRequest(spiffeId);
    const { chainPem, rootsPem } = await signer.sign(csrPem, token(), settings.ttlMs ?? 0);
    const leaf = new X509Certificate(chainPem[0] ?? '');
    secrets.set({ chainPem, keyPem, rootsPem }, clock.now());
    // Not always what was asked for: the trust domain of the mesh may have changed.
    const identity = leaf.subjectAltName?.replace(/^URI:/, '') ?? spiffeId;
    this.#log('info', `workload certificate for ${identity} valid until ${leaf.validToDate.toISOString()}`);
    this.#scheduleRotation(leaf);
  }

  /** Counted from now: a certificate begins before it was asked for, so that clocks may differ. */
  #scheduleRotation(leaf: X509Certificate): void {
    const { clock, random, settings } = this.#options;
    const { gracePeriodRatio = GRACE_PERIOD_RATIO, gracePeriodJitter = GRACE_PERIOD_JITTER } = settings;
    const ratio = gracePeriodRatio + (random.next() * 2 - 1) * gracePeriodJitter;
    const leftMs = Math.max(0, leaf.validToDate.getTime() - clock.now());
    const delayMs = leftMs * (1 - Math.min(1, Math.max(0, ratio)));
    this.#after(Math.max(MIN_ROTATION_MS, delayMs), FIRST_RETRY_MS);
  }

  #after(delayMs: number, retryMs: number): void {
    if (this.#stopped) return;
    if (delayMs > MAX_TIMER_MS) {
      this.#timer = this.#options.clock.after(MAX_TIMER_MS, () => this.#after(delayMs - MAX_TIMER_MS, retryMs));
      return;
    }
    this.#timer = this.#options.clock.after(delayMs, () => {
      this.#renew().catch((thrown: unknown) => {
        this.#log('warn', `certificate rotation failed, the present one serves on: ${errorMessage(thrown)}`);
        this.#after(this.#options.random.next() * retryMs, Math.min(retryMs * 2, MAX_RETRY_MS));
      });
    });
  }

  #wait(delayMs: number, signal: AbortSignal): Promise<void> {
    return new Promise((resolve) => {
      const onAbort = (): void => {
        timer.cancel();
        resolve();
      };
      const timer = this.#options.clock.after(delayMs, () => {
        signal.removeEventListener('abort', onAbort);
        resolve();
      });
      signal.addEventListener('abort', onAbort, { once: true });
    });
  }

  #log(level: 'info' | 'warn', text: string): void {
    this.#options.onLog(`${new Date(this.#options.clock.now()).toISOString()}\t${level}\tcache\t${text}`);
  }
}
