import type { CertificateView } from '#contract';
import { lifeOf } from './life.ts';
import { LifeBar } from './life-bar.tsx';

/** A chain as the line with stations: the leaf first, the root last. */
export function Chain({
  chain,
  nowMs,
  roots,
}: {
  chain: readonly CertificateView[];
  nowMs: number;
  roots: readonly string[];
}) {
  return (
    <ol className="lineup chain">
      {chain.map((certificate) => (
        <li key={certificate.sha256} className={roots.includes(certificate.sha256) ? 'done' : ''}>
          <p>
            <b>{roleOf(certificate, roots)}</b> <span className="dim">{certificate.key}</span>
          </p>
          <Parts certificate={certificate} />
          <LifeBar life={lifeOf(certificate, nowMs)} />
        </li>
      ))}
    </ol>
  );
}

export function roleOf({ isCa, issuer, subject, sha256 }: CertificateView, roots: readonly string[]): string {
  if (roots.includes(sha256)) return 'Root, in the trust bundle';
  if (!isCa) return 'Leaf';
  return issuer === subject ? 'Root, not in the trust bundle' : 'Intermediate';
}

function Parts({ certificate }: { certificate: CertificateView }) {
  const { names, subject, issuer, serial, sha256 } = certificate;
  const rows: [string, string][] = [
    ['Names', names.join(', ')],
    ['Subject', subject],
    ['Issuer', issuer === subject ? 'itself' : issuer],
    ['Serial', serial],
    ['SHA-256', sha256],
  ];
  return (
    <dl className="parts">
      {rows
        .filter(([, value]) => value !== '')
        .map(([name, value]) => (
          <div key={name}>
            <dt>{name}</dt>
            <dd className="mono">{value}</dd>
          </div>
        ))}
    </dl>
  );
}
