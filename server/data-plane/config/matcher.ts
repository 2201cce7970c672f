import type { Any, StringMatcher } from '#xds';
import { ConfigProblem, within } from './problem.ts';
import { compileStringMatch } from './string-match.ts';
import { type Fields, record } from './values.ts';

/** An input of a matcher: what of a subject it looks at; undefined where the subject has none. */
export type InputReader<Subject> = (config: Any, field: string) => (subject: Subject) => string | undefined;

/** How a tree of matchers is read: what it looks at, and what its leaves say. */
export interface MatcherReaders<Subject, Action> {
  readonly input: InputReader<Subject>;
  readonly action: (config: Any, field: string) => Action;
  /** Judges what an input reads by more than its text; absent: there is nothing but `value_match`. `input`: what is looked at. */
  readonly custom?: (
    config: Any,
    field: string,
    input: Any,
  ) => (value: string | undefined, subject: Subject) => boolean;
}

/** The action that a tree of matchers chooses; undefined: none. */
export type Matcher<Subject, Action> = (subject: Subject) => Action | undefined;

type Test<Subject> = (subject: Subject) => boolean;

/** Compiles xds.type.matcher.v3.Matcher. Throws ConfigProblem for kinds of matching that this proxy has not. */
export function compileMatcher<Subject, Action>(
  given: Fields,
  readers: MatcherReaders<Subject, Action>,
): Matcher<Subject, Action> {
  const list = given['matcher_list'] as { readonly matchers?: readonly Fields[] } | undefined;
  const tree = given['matcher_tree'] as Fields | undefined;
  const first = list === undefined ? tree && compileTree(tree, readers) : compileList(list.matchers ?? [], readers);
  const otherwise = given['on_no_match'] as Fields | undefined;
  const last = otherwise && within('on_no_match', () => compileOnMatch(otherwise, readers));
  if (first === undefined && last === undefined) throw new ConfigProblem('matcher', 'has neither list nor tree');
  return (subject) => first?.(subject) ?? last?.(subject);
}

function compileOnMatch<Subject, Action>(
  given: Fields,
  readers: MatcherReaders<Subject, Action>,
): Matcher<Subject, Action> {
  if (given['keep_matching'] === true) throw new ConfigProblem('keep_matching', 'is not supported in this context');
  const inner = given['matcher'] as Fields | undefined;
  if (inner !== undefined) return within('matcher', () => compileMatcher(inner, readers));
  const config = (given['action'] as { readonly typed_config?: Any } | undefined)?.typed_config;
  if (config === undefined) throw new ConfigProblem('on_match', 'has neither matcher nor action');
  const action = within('action', () => readers.action(config, 'typed_config'));
  return () => action;
}

function compileList<Subject, Action>(
  given: readonly Fields[],
  readers: MatcherReaders<Subject, Action>,
): Matcher<Subject, Action> {
  const entries = given.map((entry, i) =>
    within(`matcher_list.matchers[${i}]`, () => ({
      holds: within('predicate', () => compilePredicate((entry['predicate'] ?? {}) as Fields, readers)),
      act: within('on_match', () => compileOnMatch((entry['on_match'] ?? {}) as Fields, readers)),
    })),
  );
  return (subject) => {
    for (const { holds, act } of entries) {
      const found = holds(subject) ? act(subject) : undefined;
      if (found !== undefined) return found;
    }
    return undefined;
  };
}

function compilePredicate<Subject, Action>(given: Fields, readers: MatcherReaders<Subject, Action>): Test<Subject> {
  const several = (name: string): Test<Subject>[] | undefined =>
    (given[name] as { readonly predicate?: readonly Fields[] } | undefined)?.predicate?.map((each, i) =>
      within(`${name}[${i}]`, () => compilePredicate(each, readers)),
    );
  const either = several('or_matcher');
  if (either !== undefined) return (subject) => either.some((test) => test(subject));
  const all = several('and_matcher');
  if (all !== undefined) return (subject) => all.every((test) => test(subject));
  const not = given['not_matcher'] as Fields | undefined;
  if (not !== undefined) {
    const test = within('not_matcher', () => compilePredicate(not, readers));
    return (subject) => !test(subject);
  }
  const single = given['single_predicate'] as Fields | undefined;
  if (single === undefined) throw new ConfigProblem('match_type', 'is missing');
  return within('single_predicate', () => compileSingle(single, readers));
}

function compileSingle<Subject, Action>(given: Fields, readers: MatcherReaders<Subject, Action>): Test<Subject> {
  const read = inputOf(given, readers);
  const value = given['value_match'] as StringMatcher | undefined;
  if (value === undefined) return compileCustom(given, read, readers);
  // Unlike in the matchers of routes, the engine must be named here.
  if (value.safe_regex !== undefined && record(value.safe_regex)?.['google_re2'] === undefined)
    throw new ConfigProblem('value_match.safe_regex.engine_type', 'is required');
  const match = compileStringMatch(value, 'value_match');
  return (subject) => {
    const seen = read(subject);
    return seen !== undefined && match.accepts(seen);
  };
}

function compileCustom<Subject, Action>(
  given: Fields,
  read: (subject: Subject) => string | undefined,
  { custom }: MatcherReaders<Subject, Action>,
): Test<Subject> {
  const config = (given['custom_match'] as { readonly typed_config?: Any } | undefined)?.typed_config;
  if (custom === undefined || config === undefined)
    throw new ConfigProblem('custom_match', 'is not supported, only value_match is');
  const accepts = custom(config, 'custom_match', inputConfigOf(given));
  return (subject) => accepts(read(subject), subject);
}

function inputOf<Subject>(given: Fields, readers: Pick<MatcherReaders<Subject, never>, 'input'>) {
  return readers.input(inputConfigOf(given), 'input');
}

function inputConfigOf(given: Fields): Any {
  const config = (given['input'] as { readonly typed_config?: Any } | undefined)?.typed_config;
  if (config === undefined) throw new ConfigProblem('input', 'is missing');
  return config;
}

function compileTree<Subject, Action>(
  given: Fields,
  readers: MatcherReaders<Subject, Action>,
): Matcher<Subject, Action> {
  const read = inputOf(given, readers as Pick<MatcherReaders<Subject, never>, 'input'>);
  const mapOf = (name: string): ReadonlyMap<string, Matcher<Subject, Action>> | undefined => {
    const map = (given[name] as { readonly map?: Readonly<Record<string, Fields>> } | undefined)?.map;
    return (
      map &&
      new Map(
        Object.entries(map).map(([key, then]) => [key, within(`${name}[${key}]`, () => compileOnMatch(then, readers))]),
      )
    );
  };
  const exact = mapOf('exact_match_map');
  if (exact !== undefined)
    return (subject) => {
      const seen = read(subject);
      return seen === undefined ? undefined : exact.get(seen)?.(subject);
    };
  const prefixes = mapOf('prefix_match_map');
  if (prefixes === undefined)
    throw new ConfigProblem('matcher_tree', 'has neither exact_match_map nor prefix_match_map');
  const longestFirst = [...prefixes].sort(([a], [b]) => b.length - a.length);
  return (subject) => {
    const seen = read(subject);
    if (seen === undefined) return undefined;
    for (const [prefix, then] of longestFirst) {
      const found = seen.startsWith(prefix) ? then(subject) : undefined;
      if (found !== undefined) return found;
    }
    return undefined;
  };
}
