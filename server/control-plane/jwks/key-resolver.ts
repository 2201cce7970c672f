import { type Clock, errorMessage, type KubeObject, parseDurationMs, type Timer } from '#domain';
import type { JwtRule, RequestAuthenticationSpec } from '../snapshot/request-authentications.ts';
import { keySource, keyUri } from '../translate/jwt/jwt-authn.ts';

/** What came back for a URL. */
export interface FetchedText {
  readonly status: number;
  readonly text: string;
}

export interface KeyResolverOptions {
  readonly clock: Clock;
  /** Rejects when there is no answer in time. It reaches the services of the mesh, and the hosts outside that the operator allows. */
  readonly fetch: (url: string, timeoutMs: number) => Promise<FetchedText>;
  /** istiod's environment: PILOT_JWT_PUB_KEY_REFRESH_INTERVAL. */
  readonly env: Readonly<Record<string, string>>;
  readonly log: (line: string) => void;
  /** Other keys are known now: fill the policies again. */
  readonly onChange: () => void;
}

interface Source {
  readonly rule: JwtRule;
  jwks: string | undefined;
  timer: Timer | undefined;
  failures: number;
}

const REFRESH_MS = 20 * 60_000;
const TIMEOUT_MS = 5000;
const FIRST_RETRY_MS = 1000;
const MAX_RETRY_MS = 60_000;
const MAX_SOURCES = 100;
const MAX_BYTES = 1_048_576;

/**
 * Fetches the keys that RequestAuthentications name by `jwksUri`, or by an issuer with a discovery document, and keeps them fresh
 * (istio/pilot/pkg/model/jwks_resolver.go). As long as there are none, translation puts the key set of nobody in their place, so every token
 * is refused. Unlike istiod, which follows redirects, a redirect counts as a failure, and so does a set that is no set.
 */
export class KeyResolver {
  readonly #options: KeyResolverOptions;
  readonly #refreshMs: number;
  readonly #sources = new Map<string, Source>();
  #stopped = false;

  constructor(options: KeyResolverOptions) {
    this.#options = options;
    this.#refreshMs = parseDurationMs(options.env['PILOT_JWT_PUB_KEY_REFRESH_INTERVAL'] ?? '') ?? REFRESH_MS;
  }

  /** The policy with the keys that are known; those that are not are being fetched from now on. */
  fill(object: KubeObject): KubeObject {
    const spec = object['spec'] as RequestAuthenticationSpec | undefined;
    const rules = spec?.jwtRules ?? [];
    if (!rules.some(needsKeys)) return object;
    const jwtRules = rules.map((rule) => {
      const jwks = needsKeys(rule) ? this.#keysOf(rule) : undefined;
      return jwks === undefined ? rule : { ...rule, jwks };
    });
    return { ...object, spec: { ...spec, jwtRules } };
  }

  /** Forgets what no policy names any more. */
  keep(objects: readonly KubeObject[]): void {
    const rules = objects.flatMap(
      (object) => (object['spec'] as RequestAuthenticationSpec | undefined)?.jwtRules ?? [],
    );
    const named = new Set(rules.filter(needsKeys).map(keySource));
    for (const [key, { timer }] of this.#sources) {
      if (named.has(key)) continue;
      timer?.cancel();
      this.#sources.delete(key);
    }
  }

  stop(): void {
    this.#stopped = true;
    for (const { timer } of this.#sources.values()) timer?.cancel();
    this.#sources.clear();
  }

  #keysOf(rule: JwtRule): string | undefined {
    const key = keySource(rule);
    const known = this.#sources.get(key);
    if (known !== undefined) return known.jwks;
    if (this.#sources.size >= MAX_SOURCES) {
      this.#options.log(`error\tNo more than ${MAX_SOURCES} JWKS URIs are fetched; ${key} is not`);
      return undefined;
    }
    const source: Source = { rule, jwks: undefined, timer: undefined, failures: 0 };
    this.#sources.set(key, source);
    void this.#refresh(key, source);
    return undefined;
  }

  async #refresh(key: string, source: Source): Promise<void> {
    const { clock, log, onChange } = this.#options;
    let waitMs = this.#refreshMs;
    try {
      const jwks = await this.#fetchKeys(source.rule);
      source.failures = 0;
      if (jwks !== source.jwks && this.#sources.get(key) === source) {
        log(`info\tJWKS of ${key} ${source.jwks === undefined ? 'fetched' : 'changed'}`);
        source.jwks = jwks;
        onChange();
      }
    } catch (error) {
      waitMs = Math.min(this.#refreshMs, MAX_RETRY_MS, FIRST_RETRY_MS * 2 ** source.failures++);
      const state =
        source.jwks === undefined ? 'every token of this rule is refused' : 'the keys of the last time stay in force';
      log(`error\tFailed to fetch public key from "${key}": ${errorMessage(error)}; ${state}`);
    }
    if (this.#stopped || this.#sources.get(key) !== source) return;
    source.timer = clock.after(waitMs, () => void this.#refresh(key, source));
  }

  async #fetchKeys(rule: JwtRule): Promise<string> {
    const timeoutMs = parseDurationMs(rule.timeout ?? '') ?? TIMEOUT_MS;
    const get = (url: string): Promise<string> => this.#get(url, timeoutMs);
    const uri = keyUri(rule) || discovered(await get(keySource(rule)));
    return checked(await get(uri));
  }

  async #get(url: string, timeoutMs: number): Promise<string> {
    if (!/^https?:\/\//.test(url)) throw new Error(`${url} is no http or https URL`);
    const { status, text } = await this.#options.fetch(url, timeoutMs);
    if (status >= 300 && status < 400) throw new Error(`the answer is a redirect (${status}), which is not followed`);
    if (status !== 200) throw new Error(`the answer has status ${status}`);
    if (text.length > MAX_BYTES) throw new Error(`the answer is longer than ${MAX_BYTES} bytes`);
    return text;
  }
}

const needsKeys = (rule: JwtRule): boolean =>
  !rule.jwks && (keyUri(rule) !== '' || /^https?:\/\//.test(rule.issuer ?? ''));

/** The jwks_uri of an OpenID discovery document. */
function discovered(text: string): string {
  const uri = (parse(text) as { readonly jwks_uri?: unknown } | null)?.jwks_uri;
  if (typeof uri !== 'string' || uri === '') throw new Error('the discovery document has no jwks_uri');
  return uri;
}

function checked(text: string): string {
  const keys = (parse(text) as { readonly keys?: unknown } | null)?.keys;
  if (!Array.isArray(keys) || keys.length === 0) throw new Error('the answer is no JWK set with keys');
  return text;
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    throw new Error('the answer is no JSON');
  }
}
