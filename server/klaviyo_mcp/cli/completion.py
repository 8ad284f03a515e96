"""`klaviyo-mcp completion`: what makes a shell complete commands, actions, arguments and ids at TAB."""

import os
from pathlib import Path
from typing import Annotated, Literal

import typer

from klaviyo_mcp.cli.completing import BREAKS, FILES, VARIABLE, WORDS

BASH = f"""\
# klaviyo-mcp: completion for bash 4.4 and newer
_klaviyo_mcp() {{
    local line
    COMPREPLY=()
    while IFS= read -r line; do
        [[ -n "$line" ]] && COMPREPLY+=("$line")
    done < <({VARIABLE}=bash {WORDS}="${{COMP_LINE:0:COMP_POINT}}" {BREAKS}="$COMP_WORDBREAKS" "$1" 2>/dev/null)
    if [[ "${{COMPREPLY[*]}}" == {FILES} ]]; then
        COMPREPLY=()
        compopt -o default
    elif [[ ${{#COMPREPLY[@]}} -eq 1 && "${{COMPREPLY[0]}}" == *[=/] ]]; then
        compopt -o nospace
    fi
    return 0
}}
complete -F _klaviyo_mcp klaviyo-mcp
"""
ZSH = f"""\
#compdef klaviyo-mcp
# klaviyo-mcp: completion for zsh
_klaviyo_mcp() {{
    local line word
    local -a plain told assigned assigned_told
    local -a given=("${{(@Q)words[1,CURRENT-1]}}" "${{(Q)PREFIX}}")
    while IFS= read -r line; do
        word="${{line%%$'\\t'*}}"
        if [[ "$word" == {FILES} ]]; then
            compset -P '--*='
            _files
            return
        elif [[ "$word" == *[=/] ]]; then
            assigned+=("$word"); assigned_told+=("${{line/$'\\t'/  }}")
        else
            plain+=("$word"); told+=("${{line/$'\\t'/  }}")
        fi
    done < <({VARIABLE}=zsh {WORDS}="${{(F)given}}" "${{(Q)words[1]}}" 2>/dev/null)
    # What holds the word that was typed, and does not begin with it, takes its place only where it is alone.
    local -a anyhow=()
    if [[ "${{(L)plain[1]:-$assigned[1]}}" != "${{(L)given[-1]}}"* ]]; then
        anyhow=(-U)
        (( $#plain + $#assigned > 1 )) && compstate[insert]='' compstate[list]='list force'
    fi
    anyhow+=(-M 'm:{{[:lower:][:upper:]}}={{[:upper:][:lower:]}}' -l)
    (( $#plain )) && compadd $anyhow -d told -a plain
    (( $#assigned )) && compadd $anyhow -S '' -d assigned_told -a assigned
    (( $#plain + $#assigned ))
}}
if [[ "$funcstack[1]" == _klaviyo-mcp ]]; then _klaviyo_mcp "$@"; else compdef _klaviyo_mcp klaviyo-mcp; fi
"""
FISH = f"""\
# klaviyo-mcp: completion for fish
function __klaviyo_mcp_complete
    set -l words (commandline -opc) (commandline -ct | string unescape)
    set -l found (env {VARIABLE}=fish {WORDS}=(string join \\n -- $words | string collect -a -N) $words[1] 2>/dev/null)
    if test "$found" = {FILES}
        set -l flag (commandline -ct | string match -r '^--[a-z-]+=')
        for path in (__fish_complete_path (commandline -ct | string replace -r '^--[a-z-]+=' ''))
            string join \\n -- "$flag$path"
        end
    else
        string join \\n -- $found
    end
end
complete -c klaviyo-mcp -k -f -a '(__klaviyo_mcp_complete)'
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
