/** Instant search of words: by name, other name, usual misspelling, sound, or meaning. */
import { createWordSearch, type FoundWord } from '../course/word-index.ts';

const form = document.querySelector<HTMLFormElement>('form[data-words]');
const input = form?.querySelector('input');
const found = document.querySelector<HTMLElement>('#found');
const browse = document.querySelector<HTMLElement>('.browse');
const find = createWordSearch(JSON.parse(form?.dataset['words'] ?? '[]') as FoundWord[]);

function row(word: FoundWord): HTMLLIElement {
  const item = document.createElement('li');
  const link = document.createElement('a');
  link.href = `/words/${word.id}/`;
  link.textContent = word.term;
  const how = Object.assign(document.createElement('span'), { className: 'how', textContent: word.respelling });
  const gist = Object.assign(document.createElement('span'), { className: 'gist', textContent: word.gist });
  item.append(link, how, gist);
  return item;
}

function search(): void {
  const text = input?.value.trim() ?? '';
  if (!found || !browse) return;
  found.hidden = text === '';
  browse.hidden = text !== '';
  if (text === '') return;
  const rows = find(text);
  found.querySelector('ul')?.replaceChildren(...rows.map(row));
  const count = found.querySelector('.count');
  if (count)
    count.textContent =
      rows.length === 0
        ? `No word found for “${text}”.`
        : `${rows.length} ${rows.length === 1 ? 'word' : 'words'} found`;
}

input?.addEventListener('input', search);
// Enter opens the best find.
form?.addEventListener('submit', (event) => {
  event.preventDefault();
  found?.querySelector<HTMLAnchorElement>('li a')?.click();
});
for (const choice of document.querySelectorAll<HTMLInputElement>('input[name="order"]')) {
  choice.addEventListener('change', () => {
    for (const view of document.querySelectorAll<HTMLElement>('[data-order]'))
      view.hidden = view.dataset['order'] !== choice.value;
  });
}
if (location.hash === '#find') input?.focus();
search();
