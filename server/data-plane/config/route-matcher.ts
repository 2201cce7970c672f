import type { Any, Route } from '#xds';
import { compileMatcher, type InputReader } from './matcher.ts';
import { ConfigProblem } from './problem.ts';
import { PSEUDO_HEADERS, type RouteSubject } from './route-condition.ts';
import type { CompiledRoute } from './route-table.ts';

const MATCHING = 'type.googleapis.com/envoy.type.matcher.v3.';
const ROUTE = 'type.googleapis.com/envoy.config.route.v3.';

/** Reads what a tree of matchers of HTTP requests looks at. */
export const requestInput: InputReader<RouteSubject> = (config, field) => {
  switch (config['@type']) {
    case `${MATCHING}HttpRequestHeaderMatchInput`: {
      const name = String(config['header_name'] ?? '').toLowerCase();
      const pseudo = PSEUDO_HEADERS[name];
      return ({ head }) => (pseudo === undefined ? head.headers.joined(name) : pseudo(head));
    }
    case `${MATCHING}HttpRequestQueryParamMatchInput`: {
      const name = String(config['query_param'] ?? '');
      return ({ query }) => query?.get(name);
    }
    default:
      throw new ConfigProblem(field, `${config['@type']} is not supported`);
  }
};

/** The routes of a virtual host that a tree of matchers chooses among. */
export interface MatchedRoutes {
  /** All of them, in the order of the tree. */
  readonly routes: readonly CompiledRoute[];
  readonly narrow: (subject: RouteSubject) => readonly CompiledRoute[];
}

const NONE: readonly CompiledRoute[] = [];

/** Compiles VirtualHost.matcher; its leaves are routes and lists of routes, whose own conditions hold as well. */
export function compileRouteMatcher(
  given: Readonly<Record<string, unknown>>,
  compile: (route: Route) => CompiledRoute,
): MatchedRoutes {
  const routes: CompiledRoute[] = [];
  const action = (config: Any, field: string): readonly CompiledRoute[] => {
    const found = routesOf(config, field).map(compile);
    routes.push(...found);
    return found;
  };
  const match = compileMatcher(given, { input: requestInput, action });
  return { routes, narrow: (subject) => match(subject) ?? NONE };
}

function routesOf(config: Any, field: string): readonly Route[] {
  if (config['@type'] === `${ROUTE}Route`) return [config as unknown as Route];
  if (config['@type'] === `${ROUTE}RouteList`) return (config['routes'] ?? []) as Route[];
  throw new ConfigProblem(field, `${config['@type']} is no route`);
}
