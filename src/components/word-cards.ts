import type { WordCard } from '../course/show-script.ts';
import { showAddress } from '../course/show-script.ts';
import { stressRuns } from '../course/terms.ts';
import './hover-cards.ts';

let given = 0;
const read = new Map<string, Promise<WordCard | undefined>>();

/** What is known of a word; undefined where the site cannot be reached. Each word is asked for once. */
function wordCard(slug: string): Promise<WordCard | undefined> {
  const known = read.get(slug);
  if (known) return known;
  const asked = fetch(`/words/${slug}.json`)
    .then((answer) => (answer.ok ? (answer.json() as Promise<WordCard>) : undefined))
    .catch(() => undefined);
  read.set(slug, asked);
  return asked;
}

/** Gives the links to words in a text the cards that the pages of the course have. For text that comes while the page is open. */
export async function giveCards(text: HTMLElement): Promise<void> {
  const links = [...text.querySelectorAll<HTMLAnchorElement>('a[href^="/words/"]')];
  await Promise.all(
    links.map(async (link) => {
      const slug = /^\/words\/([a-z0-9-]+)\/$/.exec(link.getAttribute('href') ?? '')?.[1];
      const word = slug === undefined ? undefined : await wordCard(slug);
      if (!word || !link.isConnected) return;
      const id = `card-given-${given++}`;
      link.classList.add('term');
      link.dataset['card'] = id;
      link.setAttribute('aria-describedby', `${id}-def`);
      link.after(cardOf(id, word));
    }),
  );
}

function cardOf(id: string, { term, slug, respelling, definition, show }: WordCard): HTMLElement {
  const card = element('span', 'hover-card', '');
  card.id = id;
  card.popover = 'manual';
  const sound = element('span', 'resp', '');
  sound.append(...stressRuns(respelling).map(({ text, strong }) => (strong ? element('strong', '', text) : text)));
  const meaning = element('span', 'def', definition);
  meaning.id = `${id}-def`;
  card.append(element('b', '', term), ' ', sound, meaning);
  if (show) {
    const link = document.createElement('a');
    link.href = showAddress(show.lab, slug);
    link.append('Show me ', element('span', 'sr', `${term} in the lab`));
    card.append(link);
  }
  return card;
}

function element(tag: string, className: string, text: string): HTMLElement {
  const made = document.createElement(tag);
  if (className) made.className = className;
  made.textContent = text;
  return made;
}
