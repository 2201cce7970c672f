/** What one call to details or reviews brought: the service's JSON, or the sentence to show instead. */
export interface Fetched<Body> {
  readonly status: number;
  readonly body: Body | { readonly error: string };
}

export interface BookDetails {
  readonly [field: string]: string | number;
}

export interface BookReviews {
  readonly podname: string;
  readonly clustername: string;
  readonly reviews: readonly Review[];
}

interface Review {
  readonly reviewer: string;
  readonly text: string;
  readonly rating?: { readonly stars?: number; readonly color?: string; readonly error?: string };
}

export interface PageContent {
  readonly title: string;
  readonly descriptionHtml: string;
  readonly user: string | undefined;
  readonly details: Fetched<BookDetails>;
  readonly reviews: Fetched<BookReviews>;
}

const style = `
:root{color-scheme:light dark;--ink:#1c2430;--soft:#5d6878;--paper:#fbfaf7;--card:#fff;--line:#d9d5cb;--red:#b3261e;--accent:#24527a}
@media(prefers-color-scheme:dark){:root{--ink:#e8e6e1;--soft:#a3adba;--paper:#14181d;--card:#1c2229;--line:#37404b;--red:#ff8a80;--accent:#8fc1ea}}
*{box-sizing:border-box}body{margin:0;background:var(--paper);color:var(--ink);font:16px/1.6 Georgia,serif}
header,main{max-width:60rem;margin:0 auto;padding:1rem 1.5rem}
header{display:flex;justify-content:space-between;align-items:center;gap:1rem;border-bottom:1px solid var(--line)}
form{display:flex;gap:.5rem;align-items:center}input,button{font:inherit;padding:.3rem .6rem;border:1px solid var(--line);border-radius:.3rem}
button{background:var(--accent);color:var(--paper);border-color:var(--accent)}a{color:var(--accent)}
h1{font-size:2.4rem;line-height:1.15;margin:1.5rem 0 .5rem}h2{font-size:1.2rem;margin:2.2rem 0 .6rem}
dl{display:grid;grid-template-columns:max-content 1fr;gap:.2rem 1.2rem;margin:0}dt{color:var(--soft)}dd{margin:0}
.reviews{display:grid;grid-template-columns:repeat(auto-fit,minmax(17rem,1fr));gap:1rem}
article{background:var(--card);border:1px solid var(--line);border-radius:.4rem;padding:1rem 1.2rem}blockquote{margin:.4rem 0}
.stars{font-size:1.4rem;letter-spacing:.1em}.stars.black{color:var(--ink)}.stars.red{color:var(--red)}
.served{color:var(--soft);font:13px/1.5 ui-monospace,monospace;overflow-wrap:anywhere}.error{color:var(--red)}
`.replaceAll('\n', '');

/** The stylesheet under /static, for pages that link it. */
export const stylesheet = style;

export const escapeHtml = (text: string): string =>
  text.replace(/[&<>"']/g, (character) => `&#${character.charCodeAt(0)};`);

const layout = (title: string, body: string): string => `<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">
<title>${escapeHtml(title)}</title><style>${style}</style></head><body>${body}</body></html>
`;

/** The start page: which services there are, and two links to the book. */
export function indexPage(
  services: readonly { readonly name: string; readonly children: readonly string[] }[],
): string {
  const rows = services
    .map(
      ({ name, children }) =>
        `<dt>${escapeHtml(name)}</dt><dd>${escapeHtml(children.join(', ') || 'calls nobody')}</dd>`,
    )
    .join('');
  return layout(
    'Bookinfo',
    `<main><h1>Bookinfo</h1><p>A bookshop in four services. Who calls whom:</p><dl>${rows}</dl>
<p><a href="/productpage?u=normal">Normal user</a> · <a href="/productpage?u=test">Test user</a></p></main>`,
  );
}

/** What Bookinfo's page is called: Istio's guides look for it to see that the application runs. */
const APP_TITLE = 'Simple Bookstore App';

/** The book: title, details, reviews with stars, or the sentence that stands for what did not answer. */
export function productPage(content: PageContent): string {
  const { title, descriptionHtml, user, details, reviews } = content;
  return layout(
    APP_TITLE,
    `<header><strong>Bookinfo</strong>${account(user)}</header>
<main><h1>${escapeHtml(title)}</h1><p>${descriptionHtml}</p>
<section id="details">${detailsSection(details)}</section>
<section id="reviews">${reviewsSection(reviews)}</section></main>`,
  );
}

function account(user: string | undefined): string {
  if (user !== undefined) return `<span>${escapeHtml(user)} <a href="logout">Sign out</a></span>`;
  return `<form method="post" action="login"><label for="username">Username</label>
<input id="username" name="username" required maxlength="64" autocomplete="username">
<button type="submit">Sign in</button></form>`;
}

function detailsSection({ status, body }: Fetched<BookDetails>): string {
  if (status !== 200 || 'error' in body) return failure('Error fetching product details', body);
  const rows = (['ISBN-10', 'publisher', 'pages', 'type', 'language'] as const)
    .map((field) => `<dt>${capital(field)}</dt><dd>${escapeHtml(String(body[field] ?? ''))}</dd>`)
    .join('');
  return `<h2>Book Details</h2><dl>${rows}</dl>`;
}

function reviewsSection({ status, body }: Fetched<BookReviews>): string {
  if (status !== 200 || 'error' in body) return failure('Error fetching product reviews', body);
  const cluster = body.clustername === 'null' ? '' : ` on cluster ${escapeHtml(body.clustername)}`;
  const served = `<p class="served">Reviews served by: ${escapeHtml(body.podname)}${cluster}</p>`;
  const cards = body.reviews.map(
    (review) => `<article>${stars(review.rating)}<blockquote>${escapeHtml(review.text)}</blockquote>
<p>${escapeHtml(review.reviewer)}</p>${served}</article>`,
  );
  return `<h2>Book Reviews</h2><div class="reviews">${cards.join('')}</div>`;
}

function stars(rating: Review['rating']): string {
  if (rating === undefined) return '';
  if (rating.error !== undefined) return `<p class="error">${escapeHtml(rating.error)}</p>`;
  const full = Math.min(5, Math.max(0, Math.trunc(Number(rating.stars) || 0)));
  const color = escapeHtml(rating.color ?? 'black');
  return `<p class="stars ${color}" role="img" aria-label="${full} of 5 stars, ${color}">${'★'.repeat(full)}${'☆'.repeat(5 - full)}</p>`;
}

function failure(title: string, body: object): string {
  const sentence = 'error' in body ? `<p>${escapeHtml(String(body.error))}</p>` : '';
  return `<h2 class="error">${title}</h2>${sentence}`;
}

const capital = (word: string): string => word.charAt(0).toUpperCase() + word.slice(1);
