// What the tests use of jsdom, which comes without types; the project has no DOM library in its types.
declare module 'jsdom' {
  export interface PageElement {
    readonly textContent: string;
    readonly nextElementSibling: PageElement | null;
    querySelector(selector: string): PageElement | null;
    querySelectorAll(selector: string): Iterable<PageElement> & {readonly length: number};
    getAttribute(name: string): string | null;
  }

  export class JSDOM {
    constructor(html: string);
    readonly window: {
      readonly document: PageElement;
      readonly DOMParser: new () => {parseFromString(text: string, type: string): PageElement};
    };
  }
}
