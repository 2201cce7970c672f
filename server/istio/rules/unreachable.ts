import type { Field } from './field.ts';
import type { Findings } from './findings.ts';
import { coversPrefix, type PrefixMatch, prefixMatch } from './prefix-match.ts';

const numbered = (field: Field, index: number): string => {
  const name = field.get('name').text;
  return name === '' ? `#${index}` : `"${name}"`;
};

/** Without what protobuf takes for absent, in one order: equal settings, equal values. */
function normal(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(normal);
  if (typeof value !== 'object' || value === null) return value;
  const set = Object.entries(value).filter(([, child]) => child !== null && child !== 0 && child !== false);
  return Object.fromEntries(set.sort(([a], [b]) => (a < b ? -1 : 1)).map(([key, child]) => [key, normal(child)]));
}

/** A match without its name, as text: equal matches, equal text. */
function matchKey(match: Field): string {
  const { name: _, ...rest } = (match.value ?? {}) as Record<string, unknown>;
  return JSON.stringify(normal(rest));
}

/** Rules and matches that an earlier rule makes useless: IST0130, IST0131. For http, tls and tcp alike. */
export function checkUnreachable(rules: readonly Field[], findings: Findings): void {
  const seen = new Map<string, number>();
  const prefixes: PrefixMatch[] = [];
  let withoutMatch = false;
  for (const [index, rule] of rules.entries()) {
    if (!rule.exists) continue;
    const matches = rule.get('match').items;
    const unused = (reason: string): void => findings.add('IST0130', rule, { rule: numbered(rule, index), reason });
    if (matches.length === 0) {
      if (withoutMatch) unused('only the last rule can have no matches');
      withoutMatch = true;
      continue;
    }
    if (withoutMatch) {
      unused('route without matches defined before');
      continue;
    }
    let repeated = 0;
    for (const [matchIndex, match] of matches.entries()) {
      const earlier = seen.get(matchKey(match));
      const words = { rule: numbered(rule, index), match: numbered(match, matchIndex) };
      if (earlier === undefined) {
        seen.set(matchKey(match), index);
        const prefix = prefixMatch(match, { ...words, ruleIndex: index });
        if (prefix) prefixes.push(prefix);
        continue;
      }
      repeated++;
      const first = rules[earlier];
      findings.add('IST0131', match, { ...words, earlier: first ? numbered(first, earlier) : `#${earlier}` });
    }
    if (repeated === matches.length) unused('all matches used by prior rules');
  }
  reportCovered(prefixes, findings);
}

const place = ({ words, prefix }: PrefixMatch): string => `${words.match} of prefix ${prefix}`;

/** Prefix matches behind a shorter prefix that takes their requests. */
function reportCovered(prefixes: readonly PrefixMatch[], findings: Findings): void {
  for (const [index, earlier] of prefixes.entries()) {
    for (const later of prefixes.slice(index + 1)) {
      if (later.prefix === earlier.prefix || !coversPrefix(earlier, later)) continue;
      findings.add('IST0131', later.match.get('uri'), {
        rule: later.words.rule,
        match: place(later),
        earlier: `${place(earlier)} on ${earlier.words.rule}`,
      });
    }
  }
}

/** Rules behind one that matches every path (MW0203), where Istio itself has nothing to say of them. */
export function checkCatchAll(rules: readonly Field[], findings: Findings): void {
  const first = rules.findIndex((rule) => rule.get('match').items.some(matchesEverything));
  const catchAll = rules[first];
  if (!catchAll) return;
  const values = { earlier: numbered(catchAll, first) };
  for (const [index, rule] of rules.entries()) {
    const said = findings.problems.some(({ path }) => path === rule.path || path.startsWith(`${rule.path}.`));
    if (index > first && !said) findings.add('MW0203', rule, { ...values, rule: numbered(rule, index) });
  }
}

function matchesEverything(match: Field): boolean {
  const { name: _, uri: __, ...others } = (normal(match.value) ?? {}) as Record<string, unknown>;
  return match.at('uri.prefix').text === '/' && Object.keys(others).length === 0;
}
