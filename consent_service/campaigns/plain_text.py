"""Markdown made readable as plain text, for the text part of a mail."""

from markdown_it.tree import SyntaxTreeNode

_UNDERLINES = {"h1": "=", "h2": "-"}
_LONGEST_UNDERLINE = 60


def readable(root: SyntaxTreeNode) -> str:
    """A Markdown document as people would type it in a plain mail; link addresses stand behind their words."""
    return "\n\n".join(_block(node) for node in root.children)


def _block(node: SyntaxTreeNode) -> str:
    match node.type:
        case "heading":
            words = _inlines(node)
            line = _UNDERLINES.get(node.tag, "")
            return f"{words}\n{line * min(len(words), _LONGEST_UNDERLINE)}" if line else words
        case "bullet_list" | "ordered_list":
            return _list(node)
        case "blockquote":
            return "\n".join(f"> {line}".rstrip() for line in readable(node).split("\n"))
        case "hr":
            return "* * *"
        case "fence" | "code_block":
            return "\n".join(f"    {line}" for line in node.content.rstrip("\n").split("\n"))
        case _:
            return _inlines(node)


def _list(node: SyntaxTreeNode) -> str:
    first = int(node.attrs.get("start", 1)) if node.type == "ordered_list" else None
    items = []
    for position, item in enumerate(node.children):
        mark = "- " if first is None else f"{first + position}. "
        is_tight = all(child.hidden for child in item.children if child.type == "paragraph")
        blocks = ("\n" if is_tight else "\n\n").join(_block(child) for child in item.children)
        items.append(mark + blocks.replace("\n", "\n" + " " * len(mark)))
    return "\n".join(items)


def _inlines(node: SyntaxTreeNode) -> str:
    return "".join(_inline(child) for child in node.children)


def _inline(node: SyntaxTreeNode) -> str:
    match node.type:
        case "text" | "code_inline":
            return node.content
        case "softbreak" | "hardbreak":
            return "\n"
        case "image":
            return node.content
        case "link":
            words, url = _inlines(node), str(node.attrs.get("href", ""))
            return url if words in ("", url, url.removeprefix("mailto:")) else f"{words} ({url})"
        case _:
            return _inlines(node)
