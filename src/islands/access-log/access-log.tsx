import type { HopView } from '#contract';
import { Empty } from '../parts/empty.tsx';
import { useLab, useStore } from '../parts/use-store.ts';
import { readLog } from './fields.ts';

/** The line that each proxy wrote for the open request, its fields and flags explained. */
export function AccessLog() {
  const explanation = useStore(useLab().stores.explanation);
  if (explanation.state !== 'ready') {
    return <Empty text="No request is open. Choose one in Requests to see what each proxy wrote." />;
  }
  const { hops, flags, focus } = explanation.view;
  return (
    <div className="log">
      {flags.length > 0 && (
        <dl className="flags">
          {flags.map((flag) => (
            <div key={flag.flag}>
              <dt>
                <span className={flag.flag === 'DI' ? 'flag slow' : 'flag error'}>{flag.flag}</span> {flag.name}
              </dt>
              <dd>{flag.meaning}</dd>
            </div>
          ))}
        </dl>
      )}
      {hops.map((hop) => (
        <LogLine key={hop.spanId} hop={hop} open={focus.includes(hop.spanId)} />
      ))}
    </div>
  );
}

function LogLine({ hop, open }: { hop: HopView; open: boolean }) {
  const fields = readLog(hop.accessLog).filter((field) => field.value !== '-' && field.value !== '');
  return (
    <article>
      <h3>
        {hop.proxy.pod} <span className="tag">{hop.direction}</span>
      </h3>
      <pre className="line">{hop.accessLog}</pre>
      <details open={open}>
        <summary>Field by field</summary>
        <table>
          <tbody>
            {fields.map((field) => (
              <tr key={field.name}>
                <th scope="row">{field.name}</th>
                <td className="mono">{field.value}</td>
                <td>{field.meaning}</td>
              </tr>
            ))}
          </tbody>
        </table>
      </details>
    </article>
  );
}
