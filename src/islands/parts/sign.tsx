/** An icon of the page's sprite. */
export function Icon({ name }: { name: string }) {
  return (
    <svg className="i" aria-hidden="true">
      <use href={`#i-${name}`} />
    </svg>
  );
}

/** A mark whose shape means the same on every screen: ok, slow, error, push, id. */
export function Mark({ name, size = 14 }: { name: 'ok' | 'slow' | 'error' | 'push' | 'id'; size?: number }) {
  return (
    <svg className="mk" width={size} height={size} aria-hidden="true">
      <use href={`#m-${name}`} />
    </svg>
  );
}

/** The disc of a version, always beside its word. Versions after the third wear a ring. */
export function VersionDisc({ pattern, size = 14 }: { pattern: number; size?: number }) {
  if (pattern >= 1 && pattern <= 3) {
    return (
      <svg className="mk" width={size} height={size} aria-hidden="true">
        <use href={`#m-v${pattern}`} />
      </svg>
    );
  }
  return (
    <svg className="mk" width={size} height={size} viewBox="0 0 14 14" aria-hidden="true">
      <circle cx="7" cy="7" r="5.5" className="ring-pattern" />
      <circle cx="7" cy="7" r="2.5" className="ink-fill" />
    </svg>
  );
}
