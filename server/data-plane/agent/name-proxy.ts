import { isIPv4, isIPv6 } from 'node:net';
import { type AskNames, type NameRecord, NO_ANSWER, NO_SUCH_NAME, type Random } from '#domain';
import type { NameInfo, NameTable } from '#xds';

/** Short, so that clients which honour it see a change soon. */
const TTL_S = 30;

/** The addresses of one name, or the name that it stands for. */
interface Entry {
  readonly v4: readonly string[];
  readonly v6: readonly string[];
  readonly alias?: string;
}

export interface NameProxyOptions {
  /** Of the proxy. */
  readonly namespace: string;
  readonly random: Random;
  /** Who answers for names that istiod does not tell; absent: nobody knows them. */
  readonly upstream: AskNames | undefined;
}

/**
 * The DNS server of Istio's agent: capture leads the questions of the application to it. It answers for what istiod tells of, and passes all
 * else on. Source: LocalDNSServer in istio pkg/dns/client.
 */
export class NameProxy {
  readonly #options: NameProxyOptions;
  readonly #search: string;
  #entries: ReadonlyMap<string, Entry> | undefined;
  #loaded: (() => void) | undefined;

  constructor(options: NameProxyOptions) {
    this.#options = options;
    this.#search = `${options.namespace}.svc.cluster.local`;
  }

  /** Calls back when there is a table, perhaps at once: before, no question is answered. */
  whenLoaded(loaded: () => void): void {
    if (this.#entries !== undefined) loaded();
    else this.#loaded = loaded;
  }

  update({ table }: Partial<NameTable>): void {
    const entries = new Map<string, Entry>();
    for (const [host, info] of Object.entries(table ?? {})) this.#add(entries, host.toLowerCase(), info);
    this.#entries = entries;
    const loaded = this.#loaded;
    this.#loaded = undefined;
    loaded?.();
  }

  /** Answers for `name`, absolute and without its last dot. */
  readonly ask: AskNames = (name, type) => {
    if (this.#entries === undefined) return NO_ANSWER;
    const question = name.toLowerCase();
    const found = this.#find(this.#entries, question);
    // It keeps no records of other types, also of the names that it knows.
    if (found === undefined || (type !== 'A' && type !== 'AAAA'))
      return this.#options.upstream?.(name, type) ?? NO_SUCH_NAME;
    return { code: 'NOERROR', authoritative: true, records: this.#records(this.#entries, { question, found, type }) };
  };

  /** Also by a name for many: the one with the longest ending wins. */
  #find(entries: ReadonlyMap<string, Entry>, question: string): Entry | undefined {
    const own = entries.get(question);
    if (own !== undefined) return own;
    for (let dot = question.indexOf('.'); dot >= 0; dot = question.indexOf('.', dot + 1)) {
      const wild = entries.get(`*${question.slice(dot)}`);
      if (wild !== undefined) return wild;
    }
    return undefined;
  }

  #records(
    entries: ReadonlyMap<string, Entry>,
    { question, found, type }: { readonly question: string; readonly found: Entry; readonly type: 'A' | 'AAAA' },
  ): NameRecord[] {
    const { alias } = found;
    const holder = alias === undefined ? found : entries.get(alias);
    const values = (type === 'A' ? holder?.v4 : holder?.v6) ?? [];
    if (values.length === 0) return [];
    const name = alias ?? question;
    const addresses = shuffled(values, this.#options.random).map((value) => ({ name, type, ttlS: TTL_S, value }));
    return alias === undefined
      ? addresses
      : [{ name: question, type: 'CNAME', ttlS: TTL_S, value: alias }, ...addresses];
  }

  /**
   * A name goes by its short forms, too, if it is a service of Kubernetes. With the first ending of the search list it stands for itself, so
   * that a client which tries that first need ask no further.
   */
  #add(entries: Map<string, Entry>, host: string, info: NameInfo): void {
    const v4 = info.ips.filter((ip) => isIPv4(ip));
    const v6 = info.ips.filter((ip) => isIPv6(ip));
    if (v4.length + v6.length === 0) return;
    const names = this.#namesOf(host, info);
    for (const name of names) {
      entries.set(name, { v4, v6 });
      if (name.endsWith(this.#search)) continue;
      const expanded = `${name}.${this.#search}`;
      if (!names.includes(expanded) && entries.get(expanded)?.alias === undefined && !entries.has(expanded))
        entries.set(expanded, { v4: [], v6: [], alias: name });
    }
  }

  #namesOf(host: string, { registry, shortname = '', namespace = '' }: NameInfo): string[] {
    if (registry !== 'Kubernetes' || !host.endsWith('svc.cluster.local')) return [host];
    const qualified = `${shortname}.${namespace}`;
    const own = namespace === this.#options.namespace ? [shortname] : [];
    return [host, qualified, ...own, `${qualified}.svc`].map((name) => name.toLowerCase());
  }
}

/** In any order, as the cluster's own name server does with headless services. */
function shuffled(values: readonly string[], random: Random): readonly string[] {
  if (values.length < 2) return values;
  const mixed = [...values];
  for (let i = mixed.length - 1; i > 0; i--) {
    const j = random.below(i + 1);
    [mixed[i], mixed[j]] = [mixed[j]!, mixed[i]!];
  }
  return mixed;
}
