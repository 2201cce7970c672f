declare module 'nspell' {
  interface Spelling {
    correct(word: string): boolean;
    add(word: string): Spelling;
  }
  export default function nspell(aff: Uint8Array, dic: Uint8Array): Spelling;
}
