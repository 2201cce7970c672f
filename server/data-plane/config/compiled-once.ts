/**
 * Compiles a resource once for all proxies of a process: those that receive the same bytes hold the same decoded object. So nothing of a
 * single proxy may be kept in, or found by, what was compiled. Objects that may still change are compiled each time.
 */
export function compiledOnce<Resource extends object, Compiled extends object>(
  compile: (resource: Resource) => Compiled,
): (resource: Resource) => Compiled {
  const known = new WeakMap<Resource, Compiled>();
  return (resource) => {
    if (!Object.isFrozen(resource)) return compile(resource);
    const compiled = known.get(resource) ?? compile(resource);
    known.set(resource, compiled);
    return compiled;
  };
}
