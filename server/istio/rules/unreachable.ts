import { Field } from './field.ts';
import type { Findings } from './findings.ts';

const numbered = (field: Field, index: number): string => {
  const name = field.get('name').text;
  return name === '' ? `#${index}` : `"${name}"`;
};

/** A match without its name, as text: equal matches, equal text. */
function matchKey(match: Field): string {
  const sorted = (value: unknown): unknown => {
    if (Array.isArray(value)) return value.map(sorted);
    if (typeof value !== 'object' || value === null) return value;
    return Object.fromEntries(
      Object.entries(value)
        .sort(([a], [b]) => (a < b ? -1 : 1))
        .map(([key, child]) => [key, sorted(child)]),
    );
  };
  const { name: _, ...rest } = (match.value ?? {}) as Record<string, unknown>;
  return JSON.stringify(sorted(rest));
}

/** Rules and matches that an earlier rule makes useless: IST0130, IST0131. For http, tls and tcp alike. */
export function checkUnreachable(rules: readonly Field[], findings: Findings): void {
  const seen = new Map<string, number>();
  let withoutMatch = false;
  for (const [index, rule] of rules.entries()) {
    const matches = rule.get('match').items;
    const unused = (reason: string): void => findings.add('IST0130', rule, { rule: numbered(rule, index), reason });
    if (matches.length === 0) {
      if (withoutMatch) unused('only the last rule can have no matches');
      withoutMatch = true;
      continue;
    }
    let repeated = 0;
    for (const [matchIndex, match] of matches.entries()) {
      if (withoutMatch) {
        unused('route without matches defined before');
        break;
      }
      const earlier = seen.get(matchKey(match));
      const first = earlier === undefined ? undefined : rules[earlier];
      if (earlier !== undefined && first) {
        repeated++;
        const values = {
          rule: numbered(rule, index),
          match: numbered(match, matchIndex),
          earlier: numbered(first, earlier),
        };
        findings.add('IST0131', match, values);
      } else seen.set(matchKey(match), index);
    }
    if (repeated === matches.length) unused('all matches used by prior rules');
  }
}

interface PrefixMatch {
  readonly rule: Field;
  readonly ruleIndex: number;
  readonly match: Field;
  readonly matchIndex: number;
  readonly prefix: string;
}

/** Conditions of a match beside its uri, as text. */
const otherConditions = (match: Field): string => {
  const { uri: _, ...rest } = (match.value ?? {}) as Record<string, unknown>;
  return matchKey(new Field(rest, ''));
};

const NO_CONDITIONS = matchKey(new Field({}, ''));

/**
 * Prefix matches behind a shorter prefix with the same other conditions (IST0131), and rules behind one that matches every path
 * (MW0203). Unlike Istio, a later match with conditions of its own is not reported unless the earlier one has none at all.
 */
export function checkOverlappingPrefixes(rules: readonly Field[], findings: Findings): void {
  const earlier: PrefixMatch[] = [];
  let catchAll: PrefixMatch | undefined;
  for (const [ruleIndex, rule] of rules.entries()) {
    const matches = rule.get('match').items;
    if (catchAll && ruleIndex > catchAll.ruleIndex) {
      const values = { rule: numbered(rule, ruleIndex), earlier: numbered(catchAll.rule, catchAll.ruleIndex) };
      findings.add('MW0203', rule, values);
      continue;
    }
    for (const [matchIndex, match] of matches.entries()) {
      const prefix = match.at('uri.prefix').text;
      if (prefix === '') continue;
      const own: PrefixMatch = { rule, ruleIndex, match, matchIndex, prefix };
      const covering = earlier.find((each) => covers(each, own));
      if (covering) reportOverlap(own, covering, findings);
      earlier.push(own);
      if (prefix === '/' && otherConditions(match) === NO_CONDITIONS) catchAll ??= own;
    }
  }
}

const covers = (earlier: PrefixMatch, later: PrefixMatch): boolean =>
  later.prefix !== earlier.prefix &&
  later.prefix.startsWith(earlier.prefix) &&
  otherConditions(earlier.match) === otherConditions(later.match);

function reportOverlap(later: PrefixMatch, earlier: PrefixMatch, findings: Findings): void {
  const place = (each: PrefixMatch): string => `${numbered(each.match, each.matchIndex)} of prefix ${each.prefix}`;
  const rule = numbered(later.rule, later.ruleIndex);
  const values = {
    rule,
    match: place(later),
    earlier: `${place(earlier)} on ${numbered(earlier.rule, earlier.ruleIndex)}`,
  };
  findings.add('IST0131', later.match.get('uri'), values);
}
