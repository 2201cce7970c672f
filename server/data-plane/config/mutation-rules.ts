import { compileRegex } from './string-match.ts';

/** Which headers something outside may change. */
export interface MutationRules {
  /** `name` in lower case. */
  allows(name: string): boolean;
  /** What is not allowed is an error; else it is left out. */
  readonly isError: boolean;
}

interface RulesJson {
  readonly allow_all_routing?: boolean;
  readonly allow_envoy?: boolean;
  readonly disallow_system?: boolean;
  readonly disallow_all?: boolean;
  readonly disallow_is_error?: boolean;
  readonly allow_expression?: { readonly regex?: string };
  readonly disallow_expression?: { readonly regex?: string };
}

/** What routes are chosen by, the path excepted. */
const ROUTING: ReadonlySet<string> = new Set(['host', ':authority', ':method', ':scheme']);

/** Reads envoy.config.common.mutation_rules.v3.HeaderMutationRules; undefined: there are none. Source: mutation_rules.cc in Envoy. */
export function readMutationRules(given: unknown, field: string): MutationRules | undefined {
  if (given === undefined) return undefined;
  const rules = given as RulesJson;
  const compile = (name: 'allow_expression' | 'disallow_expression'): ((header: string) => boolean) => {
    if (rules[name] === undefined) return () => false;
    const regex = compileRegex(rules[name].regex, `${field}.${name}`);
    return (header) => regex.matcher(header).matches();
  };
  const always = compile('allow_expression');
  const never = compile('disallow_expression');
  return {
    isError: rules.disallow_is_error === true,
    allows(name) {
      if (never(name)) return false;
      if (always(name)) return true;
      if (rules.disallow_all === true) return false;
      if (rules.allow_all_routing !== true && ROUTING.has(name)) return false;
      if (rules.disallow_system === true && name.startsWith(':')) return false;
      return rules.allow_envoy === true || !name.startsWith('x-envoy-');
    },
  };
}
