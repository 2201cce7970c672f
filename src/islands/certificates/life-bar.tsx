import type { Life } from './life.ts';

/** Life left as a bar; the words beside it say the same. */
export function LifeBar({ life, short = false }: { life: Life; short?: boolean }) {
  return (
    <span className={`life ${life.tone}`}>
      <svg viewBox="0 0 100 8" preserveAspectRatio="none" aria-hidden="true">
        <rect width="100" height="8" className="whole" />
        <rect width={Math.max(1, life.left * 100)} height="8" className="left" />
        <path d="M50 0v8" className="half" vectorEffect="non-scaling-stroke" />
      </svg>
      <span className="num">
        {life.words}
        {!short && ` of ${life.whole}`}
      </span>
    </span>
  );
}
