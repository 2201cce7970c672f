import type { EventView } from '#contract';
import { Choice } from '../parts/choice.tsx';
import { Empty } from '../parts/empty.tsx';
import { formatTime } from '../parts/format.ts';
import { Pending } from '../parts/pending.tsx';
import { Mark } from '../parts/sign.tsx';
import { useLive } from '../parts/use-live.ts';
import { useLab, useStore } from '../parts/use-store.ts';
import { type EventFilter, eventsOf, readFilter, sources, writeFilter } from './filter.ts';

const SHOWN = 200;

/** What happened: events of the cluster, and the lab's own, newest first. */
export default function Events() {
  const lab = useLab();
  const view = useStore(lab.stores.view);
  const live = useLive('events.read', {}, { everyMs: 2000 });
  const filter = readFilter(view.show);
  const go = (change: Partial<EventFilter>): void => lab.show({ show: writeFilter({ ...filter, ...change }) });
  const found = live.state === 'ready' ? eventsOf(live.value.events, filter, view.atMs) : [];
  return (
    <div className="events">
      <div className="toolbar">
        <Choice label="Show events" choices={sources} chosen={filter.source} onChoose={(source) => go({ source })} />
        <span className="spacer" />
        <label className="find-in">
          <span className="sr">Words in the event</span>
          <input
            type="search"
            placeholder="Filter"
            maxLength={100}
            value={filter.words}
            onChange={(event) => go({ words: event.target.value })}
          />
        </label>
        <span className="tag num" role="status">
          {live.state === 'ready' ? `${found.length} of ${live.value.events.length}` : ''}
        </span>
      </div>
      {live.state !== 'ready' && <Pending live={live} what="The events" />}
      {live.state === 'ready' && found.length === 0 && <Empty text="No event fits this filter." />}
      {found.length > 0 && <EventTable events={found.slice(0, SHOWN)} />}
    </div>
  );
}

function EventTable({ events }: { events: readonly EventView[] }) {
  return (
    <table>
      <caption className="sr">Events, newest first</caption>
      <thead>
        <tr>
          <th scope="col">Last seen</th>
          <th scope="col">Reason</th>
          <th scope="col">What</th>
        </tr>
      </thead>
      <tbody>
        {events.map((event) => (
          <tr key={event.id} className={event.type === 'Warning' ? 'warning' : ''}>
            <td className="mono">{formatTime(event.atMs, false)}</td>
            <td>
              <span className="reason">
                {event.type === 'Warning' && (
                  <>
                    <Mark name="slow" />
                    <span className="sr">Warning: </span>
                  </>
                )}
                {event.reason}
              </span>
              <span className="by dim">{event.by}</span>
            </td>
            <td className="what">
              {event.message}
              {event.count > 1 && <span className="num dim"> × {event.count}</span>}
              {event.object !== '' && <span className="mono object">{event.object}</span>}
            </td>
          </tr>
        ))}
      </tbody>
    </table>
  );
}
