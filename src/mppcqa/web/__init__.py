"""Pages and forms. Thin: rules live in the other rooms' actions."""
