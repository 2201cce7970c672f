import { useMemo } from 'react';
import { BarChart, Calibration } from './charts.tsx';
import { openLibrary } from './library.ts';
import { PageFrame } from './page-frame.tsx';
import { createScheduler, foldLog } from './schedule.ts';
import { catchUp, dueForecast, type Retention, statsOf, studyDays } from './stats.ts';
import type { LearnerLogState } from './use-log.ts';

export default function StatsPage() {
  return <PageFrame>{(log) => <Statistics log={log} />}</PageFrame>;
}

const forecastDays = 30;

function Statistics({ log: { deck, log } }: { log: LearnerLogState }) {
  const nowMs = useMemo(() => Date.now(), []);
  const library = useMemo(() => openLibrary(deck, log), [deck, log]);
  const scheduler = useMemo(
    () => createScheduler({ retention: library.settings.retention }),
    [library.settings.retention],
  );
  const stats = useMemo(() => statsOf(log, nowMs, scheduler), [log, nowMs, scheduler]);
  const memories = useMemo(() => foldLog(log, scheduler), [log, scheduler]);
  const forecast = useMemo(
    () => dueForecast({ library, memories, nowMs, days: forecastDays }),
    [library, memories, nowMs],
  );
  if (stats.reviews === 0)
    return (
      <div className="empty">
        <p>No card was reviewed yet. After the first sitting this page fills by itself.</p>
        <a className="btn go" href="/cards/">
          Review the first cards
        </a>
      </div>
    );
  const dayName = new Intl.DateTimeFormat('en', { day: 'numeric', month: 'short' });
  const pile = catchUp(forecast, library.settings.reviewsPerDay);
  const leeches = stats.leeches.flatMap(({ card, lapses }) => {
    const found = library.cards.find(({ id }) => id === card);
    return found ? [{ card: found, lapses }] : [];
  });
  return (
    <div className="stats">
      <dl className="figures">
        <Figure
          name="Remembered, last 30 days"
          value={share(stats.retention.all)}
          note={reviewsNote(stats.retention.all)}
        />
        <Figure name="Wanted" value={percent(library.settings.retention)} note="set in Settings" />
        <Figure name="Cards seen" value={String(stats.cardsSeen)} note={`of ${library.cards.length}`} />
        <Figure name="Reviews" value={String(stats.reviews)} note={`${stats.minutes} min in all`} />
      </dl>
      <section aria-labelledby="s-due">
        <h2 id="s-due">What comes</h2>
        <p>{pileWords(pile.pile, pile.perDay, pile.days)}</p>
        <BarChart
          name="Cards due on each of the next 30 days"
          columns={['Day', 'Cards due']}
          bars={studyDays(nowMs, 0, forecastDays).map((start, index) => ({
            name: index === 0 ? 'today' : dayName.format(start),
            value: forecast[index] ?? 0,
          }))}
        />
      </section>
      <section aria-labelledby="s-done">
        <h2 id="s-done">What you did</h2>
        <BarChart
          name="Reviews on each of the last 30 days"
          columns={['Day', 'Reviews']}
          bars={stats.perDay.map(({ dayMs, reviews }) => ({ name: dayName.format(dayMs), value: reviews }))}
        />
      </section>
      <section aria-labelledby="s-kept">
        <h2 id="s-kept">How well it stays</h2>
        <p>Counted over the first review of a day of cards that were known before.</p>
        <table>
          <caption className="sr">True retention in the last 30 days</caption>
          <thead>
            <tr>
              <th scope="col">Interval before</th>
              <th scope="col">Reviews</th>
              <th scope="col">Remembered</th>
            </tr>
          </thead>
          <tbody>
            <RetentionRow name="under 3 weeks" retention={stats.retention.young} />
            <RetentionRow name="3 weeks or more" retention={stats.retention.mature} />
            <RetentionRow name="all" retention={stats.retention.all} />
          </tbody>
        </table>
      </section>
      <section aria-labelledby="s-cal">
        <h2 id="s-cal">How well the schedule knows you</h2>
        {stats.calibration.length > 0 ? (
          <>
            <p>
              On the line, cards are remembered as often as the schedule expected. Below it, they return too late for
              you.
            </p>
            <Calibration points={stats.calibration} />
          </>
        ) : (
          <p>This needs cards that came back after a day or more.</p>
        )}
      </section>
      <section aria-labelledby="s-leech">
        <h2 id="s-leech">Often forgotten</h2>
        {leeches.length === 0 ? (
          <p>None. A card stands here when it was forgotten six times.</p>
        ) : (
          <ul className="leeches">
            {leeches.map(({ card, lapses }) => (
              <li key={card.id}>
                <b>{card.term}</b>, {card.task.toLowerCase()}: {lapses} times.{' '}
                <a href={`/cards/deck/#${encodeURIComponent(card.id)}`}>Put it in your own words</a>
                {card.type !== 'own' && (
                  <>
                    {' '}
                    or <a href={`/words/${card.slug}/`}>read the word again</a>
                  </>
                )}
              </li>
            ))}
          </ul>
        )}
      </section>
    </div>
  );
}

function Figure({ name, value, note }: { name: string; value: string; note: string }) {
  return (
    <div>
      <dt>{name}</dt>
      <dd className="num">
        {value} <span>{note}</span>
      </dd>
    </div>
  );
}

function RetentionRow({ name, retention }: { name: string; retention: Retention }) {
  return (
    <tr>
      <th scope="row">{name}</th>
      <td className="num">{retention.reviews}</td>
      <td className="num">{share(retention)}</td>
    </tr>
  );
}

function percent(value: number): string {
  return `${Math.round(value * 100)} %`;
}

function share({ share: value }: Retention): string {
  return value === undefined ? '–' : percent(value);
}

function reviewsNote({ reviews }: Retention): string {
  return reviews === 0 ? 'no known card came back yet' : `of ${reviews} reviews`;
}

function pileWords(pile: number, perDay: number, days: number | undefined): string {
  if (pile === 0) return 'Nothing is due today.';
  if (pile <= perDay) return `${pile} due today.`;
  const rest = `${pile} are due, and ${perDay} a day is your limit.`;
  return days === undefined
    ? `${rest} More come than you review: raise the limit, or let new cards rest for a while.`
    : `${rest} In ${days} days the pile is gone.`;
}
