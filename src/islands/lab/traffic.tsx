import type { TrafficView } from '#contract';
import { formatRate } from '../parts/format.ts';
import { Icon } from '../parts/sign.tsx';
import { useLab, useStore } from '../parts/use-store.ts';

/** So many stand under the map; more would take its place, and open on demand. */
const IN_SIGHT = 2;

/** Start and stop of the lab's seeded traffic. */
export function Traffic() {
  const lab = useLab();
  const traffic = useStore(lab.stores.traffic);
  if (traffic.length === 0) return null;
  if (traffic.length <= IN_SIGHT) return <TrafficList traffic={traffic} />;
  const running = traffic.filter((one) => one.running).length;
  return (
    <>
      <button type="button" className="btn quiet traffic-more" popoverTarget="lab-traffic">
        Traffic{' '}
        <span className="num">
          {running} of {traffic.length} running
        </span>
        <Icon name="down" />
      </button>
      <div className="more" id="lab-traffic" popover="auto">
        <TrafficList traffic={traffic} />
      </div>
    </>
  );
}

function TrafficList({ traffic }: { traffic: readonly TrafficView[] }) {
  const lab = useLab();
  return (
    <ul className="traffic" aria-label="Traffic">
      {traffic.map((one) => (
        <li key={one.id}>
          <span>
            {one.title} <span className="num">{one.running ? formatRate(one.rps) : 'stopped'}</span>
          </span>
          {/* In a drill the users decide what they send. */}
          {!lab.text.incident && (
            <button type="button" className="btn quiet" onClick={() => void lab.setTraffic(one.id, !one.running)}>
              <Icon name={one.running ? 'pause' : 'play'} />
              {one.running ? 'Stop' : 'Start'}
              <span className="sr"> {one.title}</span>
            </button>
          )}
        </li>
      ))}
    </ul>
  );
}
