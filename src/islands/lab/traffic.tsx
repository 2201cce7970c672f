import { formatRate } from '../parts/format.ts';
import { Icon } from '../parts/sign.tsx';
import { useLab, useStore } from '../parts/use-store.ts';

/** Start and stop of the lab's seeded traffic. */
export function Traffic() {
  const lab = useLab();
  const traffic = useStore(lab.stores.traffic);
  if (traffic.length === 0) return null;
  return (
    <ul className="traffic" aria-label="Traffic">
      {traffic.map((one) => (
        <li key={one.id}>
          <span>
            {one.title} <span className="num">{one.running ? formatRate(one.rps) : 'stopped'}</span>
          </span>
          <button type="button" className="btn quiet" onClick={() => void lab.setTraffic(one.id, !one.running)}>
            <Icon name={one.running ? 'pause' : 'play'} />
            {one.running ? 'Stop' : 'Start'}
            <span className="sr"> {one.title}</span>
          </button>
        </li>
      ))}
    </ul>
  );
}
