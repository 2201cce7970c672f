import { type Config, fieldOf } from '../snapshot/config.ts';
import { isTls, type PortProtocol, trafficKind } from '../snapshot/protocol.ts';
import type { L4Rule, VirtualService } from '../snapshot/virtual-services.ts';
import { type BoundServer, passesThrough, terminatesHttps } from '../translate/gateway-servers.ts';
import { type OmittedL4, type OwnedL4Rule, selectTcp, selectTls } from '../translate/listeners/l4-selection.ts';
import { l4MisfitOf, type StaticContext } from '../translate/routes/source-match.ts';
import { type LeftOut, placeOf } from './question.ts';
import { misfitWords } from './rule-words.ts';
import { objectName } from './virtual-services.ts';

/** The lists of rules that a VirtualService can have. */
export type RuleList = 'http' | 'tcp' | 'tls';

const place = (config: Config<unknown>, path: string): LeftOut['origin'] => placeOf(fieldOf(config, path));

const nameOf = (owner: VirtualService, { path }: L4Rule): string =>
  `${path.replace('spec.', '')} of ${objectName(owner.config)}`;

/** Which list of rules counts on a port of a service. */
export function listFor(protocol: PortProtocol, { isRaw }: { readonly isRaw: boolean }): RuleList {
  if (isTls(protocol)) return 'tls';
  return trafficKind(protocol) === 'http' || !isRaw ? 'http' : 'tcp';
}

/** Which list of rules counts at a server of a gateway. */
export function listForServer({ server }: BoundServer, protocol: PortProtocol): RuleList {
  if (trafficKind(protocol) === 'http' || terminatesHttps(server)) return 'http';
  return passesThrough(server) ? 'tls' : 'tcp';
}

/** The match blocks of `tcp` or `tls` that take no connection of a listener. A rule behind another is told of once. */
export function omittedL4Rules(
  list: 'tcp' | 'tls',
  rules: readonly VirtualService[],
  context: StaticContext,
): readonly LeftOut[] {
  const omitted: OmittedL4[] = [];
  const tell = (each: OmittedL4): void => void omitted.push(each);
  const selection = { context, cidrs: [] };
  if (list === 'tls') selectTls(rules, selection, tell);
  else selectTcp(rules, selection, tell);
  return omitted.map((each) => ({
    name: nameOf(each.owner, each.l4),
    reason: each.shadow ? behind(list, each.shadow) : misfitWords(each.misfit, each.match ?? {}, context),
    origin: place(each.owner.config, pathOf(each)),
  }));
}

const behind = (list: RuleList, { owner, l4 }: OwnedL4Rule): string =>
  list === 'tls'
    ? `stands behind ${nameOf(owner, l4)}, which takes the same server names`
    : `stands behind ${nameOf(owner, l4)}, which takes every connection`;

function pathOf({ l4, match, index, misfit }: OmittedL4): string {
  if (match === undefined) return l4.path;
  return `${l4.path}.match[${index}]${misfit === undefined ? '' : `.${misfit}`}`;
}

/** The same at a gateway, where the client's labels and namespace are not known and do not count. */
export function omittedAtServer(list: 'tcp' | 'tls', rule: VirtualService, context: StaticContext): LeftOut[] {
  return rule[list].flatMap((l4) =>
    (l4.spec.match ?? []).flatMap((match, index): LeftOut[] => {
      const { port, gateways } = match;
      const known = { ...(port !== undefined && { port }), ...(gateways !== undefined && { gateways }) };
      const misfit = l4MisfitOf(known, context);
      if (misfit === undefined) return [];
      const path = `${l4.path}.match[${index}].${misfit}`;
      return [
        {
          name: nameOf(rule, l4),
          reason: misfitWords(misfit, match, context),
          origin: place(rule.config, path),
        },
      ];
    }),
  );
}

const LISTS: readonly RuleList[] = ['http', 'tls', 'tcp'];

/** A VirtualService whose rules are all of another list than the one that counts here. `here`: `port 9000, tcp, is of tcp`. */
export function wrongList(
  rule: VirtualService,
  list: RuleList,
  here: { readonly port: number; readonly words: string },
): LeftOut | undefined {
  const given = LISTS.filter((each) => rule[each].length > 0);
  const [first] = given;
  if (first === undefined || given.includes(list) || isForOtherPorts(rule, here.port)) return undefined;
  const reason = `has ${given.join(' and ')} rules only; ${here.words}, where ${list} rules count`;
  return { name: objectName(rule.config), reason, origin: place(rule.config, `spec.${first}`) };
}

/** Every match block names a port, and none this one. */
function isForOtherPorts({ http, tls, tcp }: VirtualService, port: number): boolean {
  const matches = [...http, ...tls, ...tcp].map(({ spec }) => spec.match ?? []);
  return matches.every(
    (each) => each.length > 0 && each.every((match) => match.port !== undefined && match.port !== port),
  );
}
