import type { L4Match } from '../../snapshot/istio-types.ts';
import type { L4Rule, VirtualService } from '../../snapshot/virtual-services.ts';
import { appliesToL4, l4MisfitOf, type Misfit, type StaticContext } from '../routes/source-match.ts';

/** One entry of `tcp` or `tls` of a VirtualService. */
export interface OwnedL4Rule {
  readonly owner: VirtualService;
  readonly l4: L4Rule;
}

/** A rule that takes connections of a listener, with what tells them apart. */
export interface SelectedL4 extends OwnedL4Rule {
  readonly sniHosts: readonly string[];
  readonly cidrs: readonly string[];
  /** It takes some addresses only. */
  readonly ofSubnets: boolean;
}

/** A match block that takes no connection, and why: a field that does not fit here, or a rule before it that takes its connections. */
export type OmittedL4 = OwnedL4Rule & {
  /** Undefined: the rule has none. */
  readonly match: L4Match | undefined;
  readonly index: number;
} & ({ readonly misfit: Misfit; readonly shadow?: never } | { readonly shadow: OwnedL4Rule; readonly misfit?: never });

export interface L4Selection {
  readonly context: StaticContext;
  /** Ranges of the listener itself. */
  readonly cidrs: readonly string[];
}

type Omit = (omitted: OmittedL4) => void;

const isRule = ({ spec }: L4Rule): boolean => (spec.route ?? []).length > 0;

/** By server name; a name that an earlier rule has is not reached again. `omit` is told of what is not taken, by whoever asks why. */
export function selectTls(
  rules: readonly VirtualService[],
  { context, ...own }: L4Selection,
  omit?: Omit,
): SelectedL4[] {
  const selected: SelectedL4[] = [];
  const handled = new Map<string, OwnedL4Rule>();
  let { cidrs } = own;
  for (const owner of rules) {
    for (const l4 of owner.tls.filter(isRule)) {
      for (const [index, match] of (l4.spec.match ?? []).entries()) {
        const misfit = l4MisfitOf(match, context);
        if (misfit !== undefined) {
          omit?.({ owner, l4, match, index, misfit });
          continue;
        }
        const { sniHosts = [], destinationSubnets = [] } = match;
        if (destinationSubnets.length > 0 && context.listenPort > 0) cidrs = destinationSubnets;
        const key = JSON.stringify([sniHosts, destinationSubnets]);
        const shadow = handled.get(key);
        if (shadow !== undefined) {
          omit?.({ owner, l4, match, index, shadow });
          continue;
        }
        handled.set(key, { owner, l4 });
        selected.push({ owner, l4, sniHosts, cidrs, ofSubnets: false });
      }
    }
  }
  return selected;
}

export interface SelectedTcp {
  readonly selected: readonly SelectedL4[];
  /** No connection is left for the service itself. */
  readonly takesAll: boolean;
}

/** The first rule that takes every address ends the search; rules for some addresses stand before it. */
export function selectTcp(rules: readonly VirtualService[], { context, cidrs }: L4Selection, omit?: Omit): SelectedTcp {
  const selected: SelectedL4[] = [];
  let last: OwnedL4Rule | undefined;
  for (const owner of rules) {
    for (const l4 of owner.tcp.filter(isRule)) {
      const matches = l4.spec.match ?? [];
      if (last !== undefined) {
        omit?.({ owner, l4, match: matches[0], index: 0, shadow: last });
        continue;
      }
      if (omit !== undefined) tellMisfits({ owner, l4 }, context, omit);
      const subnets = subnetsOf(matches, context);
      if (subnets === undefined) continue;
      const ofSubnets = subnets.length > 0;
      selected.push({ owner, l4, sniHosts: [], cidrs: ofSubnets ? subnets : cidrs, ofSubnets });
      if (ofSubnets && !isSame(subnets, cidrs)) continue;
      if (omit === undefined) return { selected, takesAll: true };
      last = { owner, l4 };
    }
  }
  return { selected, takesAll: last !== undefined };
}

/** The addresses that a rule takes; none: every address. Undefined: it takes no connection of this listener. */
function subnetsOf(matches: readonly L4Match[], context: StaticContext): readonly string[] | undefined {
  const applying = matches.filter((match) => appliesToL4(match, context));
  const takesEvery = ({ destinationSubnets = [] }: L4Match): boolean =>
    destinationSubnets.length === 0 || context.listenPort === 0;
  if (matches.length === 0 || applying.some(takesEvery)) return [];
  return applying.length === 0 ? undefined : applying.flatMap(({ destinationSubnets = [] }) => destinationSubnets);
}

function tellMisfits({ owner, l4 }: OwnedL4Rule, context: StaticContext, omit: Omit): void {
  for (const [index, match] of (l4.spec.match ?? []).entries()) {
    const misfit = l4MisfitOf(match, context);
    if (misfit !== undefined) omit({ owner, l4, match, index, misfit });
  }
}

const isSame = (some: readonly string[], others: readonly string[]): boolean =>
  JSON.stringify([...some].sort()) === JSON.stringify([...others].sort());
