"""`klaviyo-mcp completion`: what makes a shell complete commands, actions, arguments and ids at TAB."""

import os
from pathlib import Path
from typing import Annotated, Literal

import typer

from klaviyo_mcp.cli.completing import VARIABLE, WORDS

BASH = f"""\
# klaviyo-mcp: completion for bash 4.4 and newer
_klaviyo_mcp() {{
    local line glued="" before="${{COMP_LINE:0:COMP_POINT}}" current
    # bash splits words at = and :, the program does not: take the words of the line up to the cursor as they are typed.
    local -a words
    read -r -a words <<< "$before"
    [[ "$before" == *[[:space:]] ]] && words+=("")
    current="${{words[${{#words[@]}}-1]}}"
    glued="$(printf '%s\\n' "${{words[@]}}")"
    [[ -z "$current" ]] && glued+=$'\\n'
    # What bash puts in place is the part behind the last = or :
    local cut=""
    [[ "$current" == *[=:]* && "$COMP_WORDBREAKS" == *=* ]] && cut="${{current%"${{current##*[=:]}}"}}"
    COMPREPLY=()
    while IFS= read -r line; do
        [[ -n "$line" ]] && COMPREPLY+=("${{line#"$cut"}}")
    done < <({VARIABLE}=bash {WORDS}="$glued" "$1" 2>/dev/null)
    [[ ${{#COMPREPLY[@]}} -eq 1 && "${{COMPREPLY[0]}}" == *= ]] && compopt -o nospace
    return 0
}}
complete -o default -F _klaviyo_mcp klaviyo-mcp
"""
ZSH = f"""\
#compdef klaviyo-mcp
# klaviyo-mcp: completion for zsh
_klaviyo_mcp() {{
    local line word
    local -a plain told assigned assigned_told
    local glued="${{(F)words[1,CURRENT]}}"
    while IFS= read -r line; do
        word="${{line%%$'\\t'*}}"
        if [[ "$word" == *= ]]; then
            assigned+=("$word"); assigned_told+=("$word ${{line#*$'\\t'}}")
        else
            plain+=("$word"); told+=("${{line/$'\\t'/  }}")
        fi
    done < <({VARIABLE}=zsh {WORDS}="$glued" "${{words[1]}}" 2>/dev/null)
    (( $#plain )) && compadd -l -d told -a plain
    (( $#assigned )) && compadd -S '' -l -d assigned_told -a assigned
    (( $#plain || $#assigned )) || _files
}}
if [[ "$funcstack[1]" == _klaviyo-mcp ]]; then _klaviyo_mcp "$@"; else compdef _klaviyo_mcp klaviyo-mcp; fi
"""
FISH = f"""\
# klaviyo-mcp: completion for fish
function __klaviyo_mcp_complete
    set -l words (commandline -opc) (commandline -ct)
    env {VARIABLE}=fish {WORDS}=(string join \\n -- $words | string collect -a -N) $words[1] 2>/dev/null
end
complete -c klaviyo-mcp -f -a '(__klaviyo_mcp_complete)'
complete -c klaviyo-mcp -n 'test -z "$(__klaviyo_mcp_complete)"' -F
"""
SCRIPTS = {"bash": BASH, "zsh": ZSH, "fish": FISH}
PLACES = {
    "bash": ("XDG_DATA_HOME", ".local/share", "bash-completion/completions/klaviyo-mcp"),
    "zsh": ("ZDOTDIR", "", ".zfunc/_klaviyo-mcp"),
    "fish": ("XDG_CONFIG_HOME", ".config", "fish/completions/klaviyo-mcp.fish"),
}
"""Where each shell looks: a variable, what it is by default, and the file."""
THEN = {
    "bash": "It works in new shells, with the package bash-completion.",
    "zsh": "Have this in ~/.zshrc: fpath+=(~/.zfunc); autoload -Uz compinit; compinit",
    "fish": "It works in new shells.",
}

app = typer.Typer()


@app.command(epilog='Example: klaviyo-mcp completion bash. In ~/.bashrc: eval "$(klaviyo-mcp completion bash)"')
def completion(
    shell: Annotated[Literal["bash", "zsh", "fish"], typer.Argument(metavar="SHELL", help="bash, zsh or fish.")],
    install: Annotated[bool, typer.Option("--install", help="Write it where the shell finds it.")] = False,
) -> None:
    """Print the script that makes a shell complete this command line at TAB, or install it."""
    if not install:
        print(SCRIPTS[shell], end="")
        return
    variable, usual, file = PLACES[shell]
    path = Path(os.environ.get(variable) or Path.home() / usual) / file
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(SCRIPTS[shell], "utf-8")
    print(f"Written to {path}. {THEN[shell]}")
