import type { Run } from '../../course/terms.ts';

/** YAML or a log line; the gap is filled when the answer is shown. Long lines wrap, so nothing is to be scrolled. */
export function CardCode({ code, shown }: { code: readonly Run[]; shown: boolean }) {
  return (
    <pre className="card-code">
      {code.map(({ text, strong, at }) => {
        if (!strong) return <span key={at}>{text}</span>;
        return shown ? <mark key={at}>{text}</mark> : <span key={at} className="gap" role="img" aria-label="gap" />;
      })}
    </pre>
  );
}
