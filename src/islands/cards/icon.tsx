/** An icon of the page's sprite. */
export function Icon({ name }: { name: string }) {
  return (
    <svg className="i" width="16" height="16" aria-hidden="true">
      <use href={`#i-${name}`} />
    </svg>
  );
}
