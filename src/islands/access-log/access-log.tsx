import type { HopView } from '#contract';
import { Choice } from '../parts/choice.tsx';
import { Empty } from '../parts/empty.tsx';
import { useLab, useStore } from '../parts/use-store.ts';
import { AllLines } from './all-lines.tsx';
import { type LogFilter, readLogFilter, scopes, writeLogFilter } from './filter.ts';
import { LogFields } from './log-fields.tsx';

/** What proxies wrote: for the open request, or all of them; every field and flag explained where it stands. */
export function AccessLog() {
  const lab = useLab();
  const explanation = useStore(lab.stores.explanation);
  const { show } = useStore(lab.stores.view);
  const filter = readLogFilter(show, explanation.state === 'ready');
  const go = (change: Partial<LogFilter>): void => lab.show({ show: writeLogFilter({ ...filter, ...change }) });
  return (
    <div className="access-log">
      <div className="toolbar">
        <Choice label="Show lines" choices={scopes} chosen={filter.scope} onChoose={(scope) => go({ scope })} />
        <span className="spacer" />
        {filter.scope !== 'request' && (
          <label className="find-in">
            <span className="sr">Words in the line</span>
            <input
              type="search"
              placeholder="Filter"
              maxLength={100}
              value={filter.words}
              onChange={(event) => go({ words: event.target.value })}
            />
          </label>
        )}
      </div>
      {filter.scope === 'request' ? <OneRequest /> : <AllLines filter={filter} />}
    </div>
  );
}

/** The line that each proxy wrote for the open request. */
function OneRequest() {
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
        <LogLine key={hop.spanId} hop={hop} flags={flags} open={focus.includes(hop.spanId)} />
      ))}
    </div>
  );
}

interface LogLineProps {
  hop: HopView;
  flags: readonly { flag: string; name: string; meaning: string }[];
  open: boolean;
}

function LogLine({ hop, flags, open }: LogLineProps) {
  const own = flags.filter(({ flag }) => hop.response.flags.includes(flag));
  return (
    <article>
      <h3>
        {hop.proxy.pod} <span className="tag">{hop.direction}</span>
      </h3>
      <pre className="line">{hop.accessLog}</pre>
      <details open={open}>
        <summary>Field by field</summary>
        <LogFields line={hop.accessLog} flags={own} />
      </details>
    </article>
  );
}
