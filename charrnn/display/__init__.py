"""What a person sees. It draws results that it is handed."""
